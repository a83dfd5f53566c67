package lambdad.runtime.json;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads objects of the function's own classes: by the default constructor, setters and public fields; records by their
 * constructor. Names it does not know are passed over.
 */
final class BeanDecoder implements Decoder {
    private final Class<?> raw;
    private final Construction construction;
    private final Map<String, Slot> slots = new HashMap<>();
    private final Slot[] parameters;

    BeanDecoder(Shape shape, Mapper mapper) {
        raw = shape.raw;
        boolean record = Bean.isRecord(raw);
        List<Slot> components = new ArrayList<>();
        for (Property property : Bean.properties(raw, mapper.dialect)) {
            if (!property.isWritable() && !property.isComponent()) continue;
            property.openToSet();
            Slot slot = new Slot(property, mapper.later(property.shape(shape)), components.size());
            slots.put(property.name, slot);
            if (record && property.isComponent()) components.add(slot);
        }
        parameters = components.toArray(new Slot[0]);
        construction = new Construction(raw, components.stream().map(slot -> slot.property.component()).toArray(Class<?>[]::new));
    }

    @Override
    public Object read(Parser in) {
        if (in.token() == Token.ARRAY) return unwrap(in, raw.getName());
        if (in.token() == Token.STRING && in.string().trim().isEmpty()) return null;
        if (in.token() != Token.OBJECT) throw withoutCreator(in);
        if (parameters.length > 0) return readRecord(in);
        Object bean = construction.make();
        while (in.next() != Token.END_OBJECT) {
            Slot slot = slots.get(in.string());
            in.next();
            if (slot == null) in.skip();
            else slot.fill(bean, in);
        }
        return bean;
    }

    private Object readRecord(Parser in) {
        Object[] arguments = new Object[parameters.length];
        for (Slot parameter : parameters) arguments[parameter.place] = parameter.decoder.ofNull();
        while (in.next() != Token.END_OBJECT) {
            Slot slot = slots.get(in.string());
            in.next();
            if (slot == null) in.skip();
            else arguments[slot.place] = slot.read(in);
        }
        return construction.make(arguments);
    }

    private JsonException withoutCreator(Parser in) {
        String reason = "-argument constructor/factory method to deserialize from ";
        switch (in.token()) {
            case STRING:
                reason = "no String" + reason + "String value ('" + in.string() + "')";
                break;
            case INTEGER:
                reason = "no int/Int" + reason + "Number value (" + in.string() + ")";
                break;
            case DECIMAL:
                reason = "no double/Double" + reason + "Number value (" + in.string() + ")";
                break;
            default:
                reason = "no boolean/Boolean" + reason + "boolean value (" + (in.token() == Token.TRUE) + ")";
        }
        if (!construction.isPossible()) return construction.impossible(reason);
        return in.error("Cannot construct instance of `" + raw.getName() + "` (although at least one Creator exists): " + reason);
    }

    private final class Slot {
        private final Property property;
        private final Decoder decoder;
        private final int place;

        Slot(Property property, Decoder decoder, int place) {
            this.property = property;
            this.decoder = decoder;
            this.place = place;
        }

        Object read(Parser in) {
            try {
                return decoder.readAny(in);
            } catch (JsonException wrong) {
                throw wrong.in(raw, property.name);
            }
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
