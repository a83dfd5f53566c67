package lambdad.runtime.json;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Type;

/**
 * JSON to Java and back, as AWS's managed runtimes do it for handlers with types of their own: with Jackson, configured in
 * PojoSerializer's JacksonFactory, and special treatment of AWS's event classes ({@link EventClasses}).
 *
 * Annotations of Jackson in the function's classes mean nothing here, as on AWS, whose Jackson is a relocated one.
 * AWS: github.com/aws/aws-lambda-java-libs, aws-lambda-java-serialization.
 */
public final class Json {
    private Json() {
    }

    /** Reads the first value of a text; what follows it is ignored. Throws JsonException: with a cause, if the function's code threw it. */
    public static Object read(byte[] json, Type type) {
        Shape shape = Shape.of(type);
        Parser in = new Parser(json);
        try {
            if (in.next() == Token.END) throw new JsonException("No content to map due to end-of-input");
            return Mapper.of(shape.raw).decoder(shape).readAny(in);
        } catch (JsonException wrong) {
            throw wrong.at(in.location());
        }
    }

    /** Writes a value as its declared type says (a subclass's own properties are left out, as on AWS). Flushes nothing. */
    public static void write(Object value, Type declared, OutputStream out) throws IOException {
        Shape root = Shape.of(declared);
        Generator generator = new Generator(out);
        Mapper.of(root.raw).writeRoot(value, root, generator);
        generator.finish();
    }
}
