package lambdad.runtime.json;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Array;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.time.MonthDay;
import java.time.Period;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Calendar;
import java.util.Collection;
import java.util.Currency;
import java.util.Date;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TimeZone;
import java.util.UUID;
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
        AS_STRING.put(Path.class, v -> ((Path) v).toUri().toString());
        AS_STRING.put(InetAddress.class, v -> host((InetAddress) v));
        AS_STRING.put(InetSocketAddress.class, v -> socket((InetSocketAddress) v));
        AS_STRING.put(TimeZone.class, v -> ((TimeZone) v).getID());
        AS_STRING.put(ByteBuffer.class, v -> base64((ByteBuffer) v));
        AS_STRING.put(byte[].class, v -> Base64.getEncoder().encodeToString((byte[]) v));
        AS_STRING.put(char[].class, v -> new String((char[]) v));
        Class<?>[] others = {
            String.class, Character.class, StringBuilder.class, StringBuffer.class, UUID.class, URI.class, URL.class, Locale.class,
            Currency.class, Pattern.class, Charset.class, Period.class, MonthDay.class, ZoneId.class
        };
        for (Class<?> other : others) AS_STRING.put(other, Object::toString);
    }

    private final Mapper mapper;
    private final Encoder content;

    private Encoders(Mapper mapper, Encoder content) {
        this.mapper = mapper;
        this.content = content;
    }

    /** What a container holds; null when a type is none. */
    static Shape content(Shape shape) {
        if (shape.raw.isArray() || shape.raw == Optional.class || shape.raw == AtomicReference.class) return shape.argument(0);
        if (Map.class.isAssignableFrom(shape.raw)) return shape.as(Map.class).argument(1);
        return Iterable.class.isAssignableFrom(shape.raw) ? shape.as(Iterable.class).argument(0) : null;
    }

    /** Writes a container with another writer for what it holds, which may be null. */
    static Encoder container(Class<?> type, Mapper mapper, Encoder content) {
        return new Encoders(mapper, content).encoder(type);
    }

    static Encoder encoder(Class<?> type, Mapper mapper) {
        return new Encoders(mapper, mapper::write).encoder(type);
    }

    private Encoder encoder(Class<?> type) {
        for (Map.Entry<Class<?>, Function<Object, String>> known : AS_STRING.entrySet()) {
            if (known.getKey().isAssignableFrom(type)) return (value, out) -> out.string(known.getValue().apply(value));
        }
        if (type.isArray()) return this::array;
        if (Map.class.isAssignableFrom(type)) return this::map;
        if (Collection.class.isAssignableFrom(type)) return this::iterable;
        if (Map.Entry.class.isAssignableFrom(type)) return this::entry;
        if (Number.class.isAssignableFrom(type)) return Encoders::number;
        if (type == Boolean.class || type == AtomicBoolean.class) return (value, out) -> out.plain(value.toString());
        if (Date.class.isAssignableFrom(type)) return (value, out) -> out.plain(Long.toString(((Date) value).getTime()));
        if (Calendar.class.isAssignableFrom(type)) return (value, out) -> content.write(((Calendar) value).getTimeInMillis(), out);
        Encoder found = wrapped(type);
        if (found == null) found = Times.encoder(type);
        return found != null ? found : bean(type);
    }

    private Encoder wrapped(Class<?> type) {
        if (type == Optional.class) return (value, out) -> content.write(((Optional<?>) value).orElse(null), out);
        if (type == AtomicReference.class) return (value, out) -> content.write(((AtomicReference<?>) value).get(), out);
        if (type == OptionalInt.class) {
            return (value, out) -> out.plain(((OptionalInt) value).isPresent() ? "" + ((OptionalInt) value).getAsInt() : "null");
        }
        if (type == OptionalLong.class) {
            return (value, out) -> out.plain(((OptionalLong) value).isPresent() ? "" + ((OptionalLong) value).getAsLong() : "null");
        }
        if (type == OptionalDouble.class) {
            return (value, out) -> content.write(((OptionalDouble) value).isPresent() ? ((OptionalDouble) value).getAsDouble() : null, out);
        }
        if (BaseStream.class.isAssignableFrom(type)) return this::stream;
        return null;
    }

    private Encoder bean(Class<?> type) {
        List<Property> properties = new ArrayList<>();
        for (Property property : Bean.properties(type, mapper.dialect)) {
            if (!property.isReadable()) continue;
            property.openToGet();
            properties.add(property);
        }
        if (properties.isEmpty() || type == CharSequence.class) {
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
        try {
            String key = Keys.write(entry.getKey());
            if (entry.getValue() == null) return;
            out.name(key);
            content.write(entry.getValue(), out);
        } catch (JsonException wrong) {
            throw wrong.in(around, String.valueOf(entry.getKey()));
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
            content.write(element, out);
        } catch (JsonException wrong) {
            throw wrong.in(around, index);
        }
    }

    private static void number(Object value, Generator out) throws IOException {
        double real = value instanceof Double || value instanceof Float ? ((Number) value).doubleValue() : 0;
        if (Double.isNaN(real) || Double.isInfinite(real)) out.string(value.toString());
        else out.plain(value.toString());
    }

    /** The name it was looked up by, or its number. */
    private static String host(InetAddress address) {
        String[] sides = address.toString().split("/", 2);
        return sides[0].isEmpty() ? sides[1] : sides[0];
    }

    private static String socket(InetSocketAddress address) {
        return address.getHostString() + ":" + address.getPort();
    }

    private static String base64(ByteBuffer buffer) {
        ByteBuffer view = buffer.duplicate(); // reading moves its position
        byte[] bytes = new byte[view.remaining()];
        view.get(bytes);
        return Base64.getEncoder().encodeToString(bytes);
    }
}
