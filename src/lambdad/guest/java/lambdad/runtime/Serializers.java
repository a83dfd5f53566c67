package lambdad.runtime;

import com.amazonaws.services.lambda.runtime.CustomPojoSerializer;
import com.amazonaws.services.lambda.runtime.api.client.TooManyServiceProvidersFoundException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.ServiceLoader;
import lambdad.runtime.json.Json;

/** The function's own serializer if its package names one as a service, else ours. */
final class Serializers {
    private static final String SERVICE = "META-INF/services/" + CustomPojoSerializer.class.getName();

    private final FunctionClassLoader loader;
    private CustomPojoSerializer own;

    Serializers(FunctionClassLoader loader) {
        this.loader = loader;
    }

    private static CustomPojoSerializer find(FunctionClassLoader loader) {
        Iterator<CustomPojoSerializer> found = ServiceLoader.load(CustomPojoSerializer.class, loader).iterator();
        CustomPojoSerializer first = found.hasNext() ? found.next() : null;
        if (found.hasNext()) {
            throw new TooManyServiceProvidersFoundException(
                    "Too many serializers provided inside the META-INF/services folder, only one is allowed");
        }
        return first;
    }

    Serializer of(Type type) {
        if (own == null && loader.findResource(SERVICE) != null) {
            own = find(loader);
        }
        return own == null ? new Ours(type) : new Own(own, type);
    }

    private static final class Ours implements Serializer {
        private static final byte[] SAMPLE = "{\"text\": [1, 1.5, true, null, \"\\u00fc\"]}".getBytes(StandardCharsets.US_ASCII);

        private final Type type;

        Ours(Type type) {
            this.type = type;
            prepare();
        }

        /** What the first event needs is loaded before it comes: initialisation has all of the processor, events may not. */
        private void prepare() {
            try {
                Json.read(ObjectHandler.NULL, type);
                Json.write(Json.read(SAMPLE, Object.class), Object.class, new Output());
            } catch (RuntimeException | IOException | LinkageError e) {
                return; // the event that cannot be read says why
            }
        }

        @Override
        public Object read(byte[] json) {
            return Json.read(json, type);
        }

        @Override
        public void write(Object value, OutputStream output) throws IOException {
            Json.write(value, type, output);
        }
    }

    private static final class Own implements Serializer {
        private final CustomPojoSerializer serializer;
        private final Type type;

        Own(CustomPojoSerializer serializer, Type type) {
            this.serializer = serializer;
            this.type = type;
        }

        @Override
        public Object read(byte[] json) {
            return serializer.fromJson(new ByteArrayInputStream(json), type);
        }

        @Override
        public void write(Object value, OutputStream output) {
            serializer.toJson(value, output, type);
        }
    }
}
