package lambdad.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import java.io.OutputStream;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;

/** A handler of objects: JSON is read before it, and written after. */
final class ObjectHandler implements Handler {
    static final byte[] NULL = "null".getBytes(StandardCharsets.US_ASCII);

    /** The function's own code. */
    interface Code {
        Object call(Object input, Context context) throws Throwable;
    }

    private final Serializer input;
    private final Serializer output;
    private final Code code;

    /** `input`: null where it takes none. */
    ObjectHandler(Type input, Type output, Serializers serializers, Code code) {
        this.input = input == null ? null : serializers.of(input);
        this.output = output == Void.class || output == void.class ? null : serializers.of(output);
        this.code = code;
    }

    @Override
    public void handle(byte[] event, InvocationContext context, OutputStream stream) throws Throwable {
        Object value = code.call(input == null ? null : read(event), context);
        if (output == null) {
            stream.write(NULL);
        } else {
            write(value, stream);
        }
    }

    private Object read(byte[] event) {
        try {
            return input.read(event);
        } catch (Throwable thrown) {
            throw new RuntimeException("An error occurred during JSON parsing", thrown);
        }
    }

    private void write(Object value, OutputStream stream) {
        try {
            output.write(value, stream);
        } catch (Throwable thrown) {
            throw new RuntimeException("An error occurred during JSON serialization of response", thrown);
        }
    }
}
