package lambdad.runtime.json;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The decoders and encoders of one dialect: each is found once for a type, and kept. */
final class Mapper {
    private static final Map<Dialect, Mapper> BY_DIALECT = new ConcurrentHashMap<>();

    final Dialect dialect;
    private final Map<Shape, Decoder> decoders = new ConcurrentHashMap<>();
    private final Map<Shape, Encoder> rootEncoders = new ConcurrentHashMap<>();
    private final Map<Class<?>, Encoder> encoders = new ConcurrentHashMap<>();

    private Mapper(Dialect dialect) {
        this.dialect = dialect;
    }

    /** What reads and writes values whose root is of a class. */
    static Mapper of(Class<?> root) {
        return BY_DIALECT.computeIfAbsent(EventClasses.dialect(root.getName()), Mapper::new);
    }

    Decoder decoder(Shape shape) {
        Decoder known = decoders.get(shape);
        if (known != null) return known;
        Decoder found = find(shape);
        decoders.putIfAbsent(shape, found);
        return found;
    }

    /** A decoder that is looked for when it is first needed: types may hold themselves. */
    Decoder later(Shape shape) {
        return new Later(shape);
    }

    private Decoder find(Shape shape) {
        Class<?> raw = shape.raw;
        Decoder found = dialect.decoder(raw);
        if (found == null) found = Scalars.decoder(raw);
        if (found == null) found = Containers.decoder(shape, this);
        // Cold starts: a function without dates never loads what reads them.
        if (found == null && raw.getName().startsWith("java.")) found = Times.decoder(raw);
        return found != null ? found : new BeanDecoder(shape, this);
    }

    Encoder encoder(Class<?> type) {
        Encoder known = encoders.get(type);
        if (known != null) return known;
        Encoder found = dialect.encoder(type);
        if (found == null) found = Encoders.encoder(type, this);
        encoders.putIfAbsent(type, found);
        return found;
    }

    void write(Object value, Generator out) throws IOException {
        if (value == null) out.nothing();
        else encoder(value.getClass()).write(value, out);
    }

    /** The declared type decides what of a root is written; what the value is, what of its properties. */
    void writeRoot(Object value, Shape declared, Generator out) throws IOException {
        boolean open = declared.raw == Object.class || declared.raw.isPrimitive();
        if (value != null && !open && !declared.raw.isInstance(value)) {
            String types = "declared root type ([simple type, class " + declared + "]) vs `" + value.getClass().getName() + "`";
            throw new JsonException("Incompatible types: " + types);
        }
        if (value == null || open) write(value, out);
        else rootEncoder(declared).write(value, out);
    }

    /** What containers hold is written as declared too, all the way down to the first class with properties. */
    private Encoder rootEncoder(Shape declared) {
        Shape content = Encoders.content(declared);
        if (content == null || content.raw == Object.class || content.raw.isPrimitive()) return encoder(declared.raw);
        Encoder held = (value, out) -> writeRoot(value, content, out);
        return rootEncoders.computeIfAbsent(declared, shape -> Encoders.container(shape.raw, this, held));
    }

    private final class Later implements Decoder {
        private final Shape shape;
        private Decoder found;

        Later(Shape shape) {
            this.shape = shape;
        }

        private Decoder found() {
            if (found == null) found = decoder(shape);
            return found;
        }

        @Override
        public Object read(Parser in) {
            return found().read(in);
        }

        @Override
        public Object ofNull() {
            return found().ofNull();
        }
    }
}
