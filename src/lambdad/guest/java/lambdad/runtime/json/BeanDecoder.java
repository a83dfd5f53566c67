package lambdad.runtime.json;

import java.lang.reflect.Modifier;
import java.util.HashMap;
import java.util.Map;

/** Reads objects of the function's own classes: by the default constructor and setters; records by their constructor. Unknown names are passed over. */
final class BeanDecoder implements Decoder {
    private final String type;
    private final Class<?> raw;
    private final Construction construction;
    private final Map<String, Slot> slots = new HashMap<>();
    private final Slot[] parameters;

    private BeanDecoder(Shape shape, Mapper mapper) {
        type = shape.toString();
        raw = shape.raw;
        boolean record = Bean.isRecord(raw);
        for (Property property : Bean.properties(raw, mapper.dialect)) {
            if (!property.isWritable()) continue;
            property.open();
            slots.put(property.name, new Slot(property, mapper.later(property.shape(shape))));
        }
        parameters = new Slot[0];
        construction = new Construction(raw);
    }

    static Decoder of(Shape shape, Mapper mapper) {
        if (Modifier.isAbstract(shape.raw.getModifiers())) throw Construction.impossible(shape.raw.getName(), Construction.ABSTRACT);
        return new BeanDecoder(shape, mapper);
    }

    @Override
    public Object read(Parser in) {
        if (in.token() == Token.ARRAY) return unwrap(in, type);
        if (in.token() == Token.STRING && in.string().trim().isEmpty()) return null;
        if (in.token() != Token.OBJECT) throw in.error(withoutCreator(in));
        Object bean = construction.make();
        while (in.next() != Token.END_OBJECT) {
            Slot slot = slots.get(in.string());
            in.next();
            if (slot == null) in.skip();
            else slot.fill(bean, in);
        }
        return bean;
    }

    private String withoutCreator(Parser in) {
        String words = "Cannot construct instance of `" + type + "` (although at least one Creator exists): no ";
        switch (in.token()) {
            case STRING:
                return words + "String-argument constructor/factory method to deserialize from String value ('" + in.string() + "')";
            case INTEGER:
                return words + "int/Int-argument constructor/factory method to deserialize from Number value (" + in.string() + ")";
            case DECIMAL:
                return words + "double/Double-argument constructor/factory method to deserialize from Number value (" + in.string() + ")";
            default:
                return words + "boolean/Boolean-argument constructor/factory method to deserialize from boolean value (" + (in.token() == Token.TRUE) + ")";
        }
    }

    private final class Slot {
        private final Property property;
        private final Decoder decoder;

        Slot(Property property, Decoder decoder) {
            this.property = property;
            this.decoder = decoder;
        }

        void fill(Object bean, Parser in) {
            try {
                property.set(bean, decoder.readAny(in));
            } catch (JsonException wrong) {
                throw wrong.in(raw, property.name);
            }
        }
    }
}
