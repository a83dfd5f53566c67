package lambdad.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.OutputStream;

/** A handler of bytes. */
final class StreamHandler implements Handler {
    /** The function's own code. */
    interface Code {
        void call(InputStream input, OutputStream output, Context context) throws Throwable;
    }

    private final Code code;

    StreamHandler(Code code) {
        this.code = code;
    }

    @Override
    public void handle(byte[] event, InvocationContext context, OutputStream output) throws Throwable {
        code.call(new ByteArrayInputStream(event), output, context);
    }
}
