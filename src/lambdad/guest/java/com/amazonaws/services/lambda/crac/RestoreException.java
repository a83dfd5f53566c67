package com.amazonaws.services.lambda.crac;

/** What hooks threw, each as a suppressed exception. */
public class RestoreException extends Exception {
    private static final long serialVersionUID = 1L;

    public RestoreException() {}
}
