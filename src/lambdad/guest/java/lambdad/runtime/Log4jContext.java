package lambdad.runtime;

import com.amazonaws.services.lambda.runtime.LambdaRuntimeInternal;

/** Puts the request id where log4j's patterns find it, for functions with AWS's appender. */
final class Log4jContext {
    private final ClassLoader loader;

    Log4jContext(ClassLoader loader) {
        this.loader = loader;
    }

    void belongsTo(InvocationContext context) {
        if (!LambdaRuntimeInternal.getUseLog4jAppender()) {
            return;
        }
        boolean first = put("org.apache.log4j.MDC", Object.class, context.getAwsRequestId());
        boolean second = put("org.apache.logging.log4j.ThreadContext", String.class, context.getAwsRequestId());
        if (!first && !second) {
            System.err.println("Customer using log4j appender but unable to load either org.apache.log4j.MDC or "
                    + "org.apache.logging.log4j.ThreadContext. Customer cannot see RequestId in log4j log lines.");
        }
    }

    private boolean put(String type, Class<?> ofValue, String requestId) {
        try {
            Class<?> found = Class.forName(type, true, loader);
            found.getMethod("put", String.class, ofValue).invoke(null, "AWSRequestId", requestId);
            return true;
        } catch (ReflectiveOperationException | LinkageError e) {
            return false; // another version of it, or none
        }
    }
}
