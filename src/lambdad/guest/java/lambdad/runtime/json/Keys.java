package lambdad.runtime.json;

import java.util.Date;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;

/** The keys of maps, which are strings in JSON. */
final class Keys {
    private static final Map<Class<?>, Function<String, Object>> DECODERS = new HashMap<>();

    static {
        DECODERS.put(String.class, text -> text);
        DECODERS.put(Object.class, text -> text);
        DECODERS.put(CharSequence.class, text -> text);
        DECODERS.put(Boolean.class, Keys::truth);
        DECODERS.put(Byte.class, Byte::valueOf);
        DECODERS.put(Short.class, Short::valueOf);
        DECODERS.put(Integer.class, Integer::valueOf);
        DECODERS.put(Long.class, Long::valueOf);
        DECODERS.put(Float.class, Float::valueOf);
        DECODERS.put(Double.class, Double::valueOf);
        DECODERS.put(Character.class, Keys::letter);
        DECODERS.put(UUID.class, UUID::fromString);
        DECODERS.put(Locale.class, Scalars::locale);
        DECODERS.put(Date.class, Times::date);
    }

    private Keys() {
    }

    static Function<String, Object> decoder(Class<?> type) {
        if (type.isEnum()) return text -> constant(type, text);
        Function<String, Object> known = DECODERS.get(type);
        if (known != null) return known;
        throw new JsonException("Cannot find a (Map) Key deserializer for type [simple type, class " + type.getName() + "]");
    }

    static Object read(Function<String, Object> decoder, String name, Parser in) {
        try {
            return decoder.apply(name);
        } catch (IllegalArgumentException wrong) {
            String problem = "\": not a valid representation, problem: " + wrong.getMessage();
            throw in.error("Cannot deserialize Map key from String \"" + name + problem, wrong);
        }
    }

    static String write(Object key) {
        if (key == null) throw new JsonException("Null key for a Map not allowed in JSON (use a converting NullKeySerializer?)");
        if (key instanceof Enum) return ((Enum<?>) key).name();
        if (key instanceof Class) return ((Class<?>) key).getName();
        if (key instanceof Date) return Times.format((Date) key);
        return key.toString();
    }

    private static Object constant(Class<?> type, String text) {
        for (Object constant : type.getEnumConstants()) {
            if (((Enum<?>) constant).name().equals(text)) return constant;
        }
        return null;
    }

    private static Object truth(String text) {
        if (text.equals("true") || text.equals("false")) return text.equals("true");
        throw new IllegalArgumentException("value not 'true' or 'false'");
    }

    private static Object letter(String text) {
        if (text.length() != 1) throw new IllegalArgumentException("can only convert 1-character Strings");
        return text.charAt(0);
    }
}
