package com.amazonaws.services.lambda.crac;

/** What wants to know of snapshots. `org.crac` gives a function's resources to these under other names. */
public interface Resource {
    void beforeCheckpoint(Context<? extends Resource> context) throws Exception;

    void afterRestore(Context<? extends Resource> context) throws Exception;
}
