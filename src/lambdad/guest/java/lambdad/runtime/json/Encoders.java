package lambdad.runtime.json;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Calendar;
import java.util.Collection;
import java.util.Date;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TimeZone;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.BaseStream;

/** How values of every class are written, chosen by class in Jackson's order: containers, known classes, then properties. */
final class Encoders {
    /** What is written as a string made of it; the first that fits. */
    private static final Map<Class<?>, Function<Object, String>> AS_STRING = new LinkedHashMap<>();

    static {
        AS_STRING.put(Enum.class, v -> ((Enum<?>) v).name());
        AS_STRING.put(Class.class, v -> ((Class<?>) v).getName());
        AS_STRING.put(File.class, v -> ((File) v).getAbsolutePath());
        AS_STRING.put(TimeZone.class, v -> ((TimeZone) v).getID());
        AS_STRING.put(ByteBuffer.class, v -> base64((ByteBuffer) v));
        AS_STRING.put(byte[].class, v -> Base64.getEncoder().encodeToString((byte[]) v));
        AS_STRING.put(char[].class, v -> new String((char[]) v));
        Class<?>[] others = {
            String.class, Character.class, StringBuilder.class, StringBuffer.class, java.util.UUID.class, java.net.URI.class, java.net.URL.class,
            java.util.Locale.class, java.util.Currency.class, Pattern.class, Charset.class, java.time.Period.class, java.time.MonthDay.class,
            java.time.ZoneId.class
        };
        for (Class<?> other : others) AS_STRING.put(other, Object::toString);
    }

    private final Mapper mapper;

    private Encoders(Mapper mapper) {
        this.mapper = mapper;
    }

    static Encoder encoder(Class<?> type, Mapper mapper) {
        Encoders here = new Encoders(mapper);
        for (Map.Entry<Class<?>, Function<Object, String>> known : AS_STRING.entrySet()) {
            if (known.getKey().isAssignableFrom(type)) return (value, out) -> out.string(known.getValue().apply(value));
        }
        if (type.isArray()) return here::array;
        if (Map.class.isAssignableFrom(type)) return here::map;
        if (Collection.class.isAssignableFrom(type)) return here::iterable;
        if (Map.Entry.class.isAssignableFrom(type)) return here::entry;
        if (Number.class.isAssignableFrom(type)) return Encoders::number;
        if (type == Boolean.class || type == AtomicBoolean.class) return (value, out) -> out.plain(value.toString());
        if (Date.class.isAssignableFrom(type)) return (value, out) -> out.plain(Long.toString(((Date) value).getTime()));
        if (Calendar.class.isAssignableFrom(type)) return (value, out) -> out.plain(Long.toString(((Calendar) value).getTimeInMillis()));
        Encoder found = here.wrapped(type);
        if (found == null) found = Times.encoder(type);
        return found != null ? found : here.bean(type);
    }

    private Encoder wrapped(Class<?> type) {
        if (type == Optional.class) return (value, out) -> mapper.write(((Optional<?>) value).orElse(null), out);
        if (type == AtomicReference.class) return (value, out) -> mapper.write(((AtomicReference<?>) value).get(), out);
        if (type == OptionalInt.class) {
            return (value, out) -> out.plain(((OptionalInt) value).isPresent() ? "" + ((OptionalInt) value).getAsInt() : "null");
        }
        if (type == OptionalLong.class) {
            return (value, out) -> out.plain(((OptionalLong) value).isPresent() ? "" + ((OptionalLong) value).getAsLong() : "null");
        }
        if (type == OptionalDouble.class) {
            return (value, out) -> mapper.write(((OptionalDouble) value).isPresent() ? ((OptionalDouble) value).getAsDouble() : null, out);
        }
        if (BaseStream.class.isAssignableFrom(type)) return this::stream;
        return null;
    }

    private Encoder bean(Class<?> type) {
        List<Property> properties = new ArrayList<>();
        for (Property property : Bean.properties(type, mapper.dialect)) {
            if (!property.isReadable()) continue;
            property.open();
            properties.add(property);
        }
        if (properties.isEmpty()) {
            if (Iterator.class.isAssignableFrom(type)) return (value, out) -> elements((Iterator<?>) value, value, out);
            if (Iterable.class.isAssignableFrom(type)) return this::iterable;
            if (CharSequence.class.isAssignableFrom(type)) return (value, out) -> out.string((CharSequence) value);
        }
        return (value, out) -> bean(properties, value, out);
    }

    private void bean(List<Property> properties, Object bean, Generator out) throws IOException {
        out.startObject();
        for (Property property : properties) {
            try {
                Object value = property.get(bean);
                if (value == null) continue;
                if (value == bean) throw new JsonException("Direct self-reference leading to cycle");
                out.name(property.name);
                mapper.write(value, out);
            } catch (JsonException wrong) {
                throw wrong.in(bean.getClass(), property.name);
            }
        }
        out.endObject();
    }

    private void map(Object value, Generator out) throws IOException {
        out.startObject();
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) member(value.getClass(), entry, out);
        out.endObject();
    }

    private void entry(Object value, Generator out) throws IOException {
        out.startObject();
        member(value.getClass(), (Map.Entry<?, ?>) value, out);
        out.endObject();
    }

    private void member(Class<?> around, Map.Entry<?, ?> entry, Generator out) throws IOException {
        String key = Keys.write(entry.getKey());
        if (entry.getValue() == null) return;
        out.name(key);
        try {
            mapper.write(entry.getValue(), out);
        } catch (JsonException wrong) {
            throw wrong.in(around, key);
        }
    }

    private void iterable(Object value, Generator out) throws IOException {
        elements(((Iterable<?>) value).iterator(), value, out);
    }

    private void stream(Object value, Generator out) throws IOException {
        try (BaseStream<?, ?> stream = (BaseStream<?, ?>) value) {
            elements(stream.iterator(), value, out);
        }
    }

    private void elements(Iterator<?> elements, Object around, Generator out) throws IOException {
        out.startArray();
        for (int index = 0; elements.hasNext(); index++) element(elements.next(), index, around.getClass(), out);
        out.endArray();
    }

    private void array(Object array, Generator out) throws IOException {
        out.startArray();
        int length = Array.getLength(array);
        for (int index = 0; index < length; index++) element(Array.get(array, index), index, array.getClass(), out);
        out.endArray();
    }

    private void element(Object element, int index, Class<?> around, Generator out) throws IOException {
        try {
            mapper.write(element, out);
        } catch (JsonException wrong) {
            throw wrong.in(around, index);
        }
    }

    private static void number(Object value, Generator out) throws IOException {
        double real = value instanceof Double || value instanceof Float ? ((Number) value).doubleValue() : 0;
        if (Double.isNaN(real) || Double.isInfinite(real)) out.string(value.toString());
        else out.plain(value.toString());
    }

    private static String base64(ByteBuffer buffer) {
        ByteBuffer view = buffer.duplicate(); // reading moves its position
        byte[] bytes = new byte[view.remaining()];
        view.get(bytes);
        return Base64.getEncoder().encodeToString(bytes);
    }
}
