package com.amazonaws.services.lambda.runtime;

import lambdad.runtime.Log;

/** The one logger of the runtime, for code that has no context at hand. */
public final class LambdaRuntime {
    private static volatile LambdaLogger logger = Log.ofEnvironment();

    private LambdaRuntime() {}

    public static LambdaLogger getLogger() {
        return logger;
    }
}
