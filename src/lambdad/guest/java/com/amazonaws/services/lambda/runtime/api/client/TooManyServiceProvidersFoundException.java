package com.amazonaws.services.lambda.runtime.api.client;

/** Under AWS's name, since the error document shows it. */
public final class TooManyServiceProvidersFoundException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TooManyServiceProvidersFoundException(String message) {
        super(message);
    }
}
