package lambdad.runtime;

import java.io.OutputStream;

/** What handles events, whichever of AWS's forms the function has. */
interface Handler {
    void handle(byte[] event, InvocationContext context, OutputStream output) throws Throwable;
}
