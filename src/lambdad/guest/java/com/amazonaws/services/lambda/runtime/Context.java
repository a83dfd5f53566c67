package com.amazonaws.services.lambda.runtime;

/**
 * What a function can know of the invocation that it handles.
 *
 * <p>AWS: docs.aws.amazon.com/lambda/latest/dg/java-context.html
 */
public interface Context {
    String getAwsRequestId();

    /** Null with SnapStart, as the log group is no part of a snapshot. */
    String getLogGroupName();

    String getLogStreamName();

    String getFunctionName();

    String getFunctionVersion();

    String getInvokedFunctionArn();

    /** Null unless a mobile application invoked the function. */
    CognitoIdentity getIdentity();

    /** Null unless the caller sent one. */
    ClientContext getClientContext();

    int getRemainingTimeInMillis();

    int getMemoryLimitInMB();

    LambdaLogger getLogger();

    /** Null unless the function isolates its tenants. */
    default String getTenantId() {
        return null;
    }

    default String getXrayTraceId() {
        return null;
    }
}
