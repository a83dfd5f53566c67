package lambdad.runtime.json;

import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * AWS's event classes (aws-lambda-java-events), which are the function's own: known by their names, never linked against.
 *
 * Only a value whose root is one of these is treated so, with all it holds; in a class of the function's, or in a list, they are
 * classes like others. That is AWS's rule, and so are the names: LambdaEventSerializers and its mixins.
 */
final class EventClasses {
    private static final String EVENTS = "com.amazonaws.services.lambda.runtime.events.";
    private static final Set<String> ROOTS = new HashSet<>(Arrays.asList(
        "APIGatewayProxyRequestEvent", "APIGatewayProxyResponseEvent", "CloudFormationCustomResourceEvent", "CloudFrontEvent",
        "CloudWatchLogsEvent", "CodeCommitEvent", "CognitoEvent", "ConfigEvent", "ConnectEvent", "DynamodbEvent",
        "DynamodbEvent$DynamodbStreamRecord", "DynamodbTimeWindowEvent", "IoTButtonEvent", "KinesisEvent", "KinesisTimeWindowEvent",
        "KinesisFirehoseEvent", "LambdaDestinationEvent", "LexEvent", "ScheduledEvent", "SecretsManagerRotationEvent", "SNSEvent",
        "SQSEvent"));

    /** Class, then its properties: those named alone are called the same with a capital. */
    private static final String[] NAMES = {
        "CloudFormationCustomResourceEvent requestType serviceToken physicalResourceId responseUrl=ResponseURL stackId requestId "
            + "logicalResourceId resourceType resourceProperties oldResourceProperties",
        "CloudFrontEvent records",
        "CloudWatchLogsEvent awsLogs=awslogs",
        "CodeCommitEvent records",
        "CodeCommitEvent$Record codeCommit=codecommit eventSourceArn=eventSourceARN userIdentityArn=userIdentityARN",
        "ConnectEvent details name",
        "ConnectEvent$Details contactData parameters",
        "ConnectEvent$ContactData attributes channel contactId customerEndpoint initialContactId initiationMethod "
            + "instanceArn=InstanceARN previousContactId queue systemEndpoint",
        "ConnectEvent$CustomerEndpoint address type",
        "ConnectEvent$SystemEndpoint address type",
        "DynamodbEvent records",
        "DynamodbEvent$DynamodbStreamRecord eventName=eventName eventSourceArn=eventSourceARN",
        "DynamodbTimeWindowEvent eventSourceArn=eventSourceARN",
        "models.dynamodb.StreamRecord keys sizeBytes sequenceNumber streamViewType newImage oldImage approximateCreationDateTime",
        "models.dynamodb.AttributeValue s n b NULL BOOL SS NS BS m l",
        "KinesisEvent records",
        "KinesisEvent$Record encryptionType=encryptionType",
        "KinesisTimeWindowEvent eventSourceArn=eventSourceARN",
        "ScheduledEvent detailType=detail-type",
        "SecretsManagerRotationEvent step secretId clientRequestToken rotationToken",
        "SNSEvent records",
        "SNSEvent$SNSRecord SNS=Sns sns=Sns",
        "SQSEvent records",
        "SQSEvent$SQSMessage eventSourceArn=eventSourceARN",
    };
    private static final Map<String, Map<String, String>> RENAMED = new HashMap<>();

    static {
        for (String row : NAMES) {
            String[] words = row.split(" ");
            Map<String, String> names = new HashMap<>();
            for (String word : Arrays.asList(words).subList(1, words.length)) {
                String[] sides = word.split("=");
                names.put(sides[0], sides.length > 1 ? sides[1] : capitalized(word));
            }
            RENAMED.put(EVENTS + words[0], names);
            // What aws-lambda-java-events before 3.0 took from the SDK.
            RENAMED.put((EVENTS + words[0]).replace(EVENTS + "models.dynamodb", "com.amazonaws.services.dynamodbv2.model"), names);
        }
    }

    private static final Dialect DIALECT = new EventDialect(false);
    private static final Dialect SNS = new EventDialect(true);

    private EventClasses() {
    }

    /** Dates are of another kind in all of them. */
    private static final class EventDialect extends Dialect {
        EventDialect(boolean pascalCase) {
            super(RENAMED, pascalCase);
        }

        @Override
        Decoder decoder(Class<?> type) {
            if (type == Date.class) return new EventDates.Seconds();
            return type.getName().equals(EventDates.JODA) ? new EventDates.Joda(type) : null;
        }

        @Override
        Encoder encoder(Class<?> type) {
            if (Date.class.isAssignableFrom(type)) return EventDates::writeSeconds;
            return type.getName().equals(EventDates.JODA) ? EventDates::writeJoda : null;
        }
    }

    static Dialect dialect(String root) {
        if (S3Events.ROOTS.contains(root)) return S3Events.DIALECT;
        boolean known = root.startsWith(EVENTS) && ROOTS.contains(root.substring(EVENTS.length()));
        if (!known) return Dialect.PLAIN;
        return root.endsWith(".SNSEvent") ? SNS : DIALECT;
    }

    static String capitalized(String name) {
        return Character.toUpperCase(name.charAt(0)) + name.substring(1);
    }
}
