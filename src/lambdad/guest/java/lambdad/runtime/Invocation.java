package lambdad.runtime;

import java.util.Map;

/** One event, as the Runtime API gives it. Names of headers are in lower case. */
final class Invocation {
    final String requestId;
    final byte[] event;
    final long deadlineMs;
    final String functionArn;
    final String traceId;
    final String clientContext;
    final String cognitoIdentity;
    final String tenantId;

    Invocation(Map<String, String> headers, byte[] event) {
        this.event = event;
        requestId = headers.get("lambda-runtime-aws-request-id");
        deadlineMs = Long.parseLong(headers.get("lambda-runtime-deadline-ms"));
        functionArn = headers.get("lambda-runtime-invoked-function-arn");
        traceId = headers.get("lambda-runtime-trace-id");
        clientContext = headers.get("lambda-runtime-client-context");
        cognitoIdentity = headers.get("lambda-runtime-cognito-identity");
        tenantId = headers.get("lambda-runtime-aws-tenant-id");
    }
}
