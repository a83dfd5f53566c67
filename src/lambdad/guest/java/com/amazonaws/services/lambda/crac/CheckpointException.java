package com.amazonaws.services.lambda.crac;

/** What hooks threw, each as a suppressed exception. */
public class CheckpointException extends Exception {
    private static final long serialVersionUID = 1L;

    public CheckpointException() {}
}
