package lambdad.runtime.json;

import java.lang.reflect.Array;
import java.lang.reflect.Modifier;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;

/** Reads what holds other values: maps, collections, arrays, optionals, and whatever stands where Object is asked for. */
final class Containers {
    static final Decoder ANYTHING = new Anything();
    private static final Class<?>[] COLLECTIONS = {ArrayList.class, HashSet.class, TreeSet.class, LinkedList.class};
    private static final Class<?>[] MAPS =
        {LinkedHashMap.class, TreeMap.class, ConcurrentHashMap.class, ConcurrentSkipListMap.class};

    private Containers() {
    }

    /** What reads a type; null when it is none of these. */
    static Decoder decoder(Shape shape, Mapper mapper) {
        Class<?> raw = shape.raw;
        if (raw == Object.class) return ANYTHING;
        if (raw.isArray()) return new ArrayOf(shape, mapper);
        if (Map.class.isAssignableFrom(raw)) return new MapOf(shape, mapper);
        if (raw == Map.Entry.class) return new EntryOf(shape, mapper);
        if (Collection.class.isAssignableFrom(raw) || raw == Iterable.class) return new CollectionOf(shape, mapper);
        if (raw == Optional.class) return wrapper(Optional.empty(), Optional::of, mapper.later(shape.argument(0)));
        if (raw == AtomicReference.class) return new ReferenceTo(mapper.later(shape.argument(0)));
        return optionalNumber(raw);
    }

    private static Decoder optionalNumber(Class<?> raw) {
        if (raw == OptionalInt.class) {
            return wrapper(OptionalInt.empty(), v -> OptionalInt.of((int) v), Numbers.decoder(Integer.class));
        }
        if (raw == OptionalLong.class) {
            return wrapper(OptionalLong.empty(), v -> OptionalLong.of((long) v), Numbers.decoder(Long.class));
        }
        if (raw == OptionalDouble.class) {
            return wrapper(OptionalDouble.empty(), v -> OptionalDouble.of((double) v), Numbers.decoder(Double.class));
        }
        return null;
    }

    private static Decoder wrapper(Object empty, Function<Object, Object> of, Decoder held) {
        return new Decoder() {
            @Override
            public Object read(Parser in) {
                Object value = held.read(in);
                return value == null ? empty : of.apply(value);
            }

            @Override
            public Object ofNull() {
                return empty;
            }
        };
    }

    private static final class ReferenceTo implements Decoder {
        private final Decoder held;

        ReferenceTo(Decoder held) {
            this.held = held;
        }

        @Override
        public Object read(Parser in) {
            return new AtomicReference<>(held.read(in));
        }

        @Override
        public Object ofNull() {
            return new AtomicReference<>(held.ofNull());
        }
    }

    /** Makes a container of a class, or of the one that stands for an interface. */
    private static Supplier<Object> maker(Class<?> raw, Class<?>... candidates) {
        Class<?> made = raw;
        for (Class<?> candidate : candidates) {
            if (Modifier.isAbstract(made.getModifiers()) && raw.isAssignableFrom(candidate)) made = candidate;
        }
        return new Construction(made)::make;
    }

    private static final class Anything implements Decoder {
        @Override
        public Object read(Parser in) {
            switch (in.token()) {
                case OBJECT:
                    return object(in);
                case ARRAY:
                    List<Object> values = new ArrayList<>();
                    while (in.next() != Token.END_ARRAY) values.add(readAny(in));
                    return values;
                case STRING:
                    return in.string();
                case TRUE:
                case FALSE:
                    return in.token() == Token.TRUE;
                case INTEGER:
                    return in.number();
                default:
                    return in.real();
            }
        }

        private Object object(Parser in) {
            Map<String, Object> values = new LinkedHashMap<>();
            while (in.next() != Token.END_OBJECT) {
                String name = in.string();
                in.next();
                values.put(name, readAny(in));
            }
            return values;
        }
    }

    private static final class MapOf implements Decoder {
        private final Shape shape;
        private final Supplier<Object> maker;
        private final Function<String, Object> keys;
        private final Decoder values;

        MapOf(Shape shape, Mapper mapper) {
            this.shape = shape;
            Shape map = shape.as(Map.class);
            keys = Keys.decoder(map.argument(0).raw);
            values = mapper.later(map.argument(1));
            maker = shape.raw == EnumMap.class ? () -> enumMap(map.argument(0).raw) : maker(shape.raw, MAPS);
        }

        @SuppressWarnings({"unchecked", "rawtypes"})
        private static Object enumMap(Class<?> keys) {
            return new EnumMap(keys);
        }

        @Override
        @SuppressWarnings("unchecked")
        public Object read(Parser in) {
            if (in.token() == Token.ARRAY) return unwrap(in, shape.toString());
            if (in.token() == Token.STRING && in.string().trim().isEmpty()) return null;
            if (in.token() != Token.OBJECT) throw in.mismatch(shape.toString());
            Map<Object, Object> map = (Map<Object, Object>) maker.get();
            while (in.next() != Token.END_OBJECT) {
                String name = in.string();
                Object key = Keys.read(keys, name, in);
                in.next();
                try {
                    Object value = values.readAny(in);
                    if (key != null || !(map instanceof EnumMap)) map.put(key, value);
                } catch (JsonException wrong) {
                    throw wrong.in(map.getClass(), name);
                }
            }
            return map;
        }
    }

    private static final class EntryOf implements Decoder {
        private final Function<String, Object> keys;
        private final Decoder values;

        EntryOf(Shape shape, Mapper mapper) {
            keys = Keys.decoder(shape.argument(0).raw);
            values = mapper.later(shape.argument(1));
        }

        @Override
        public Object read(Parser in) {
            if (in.token() != Token.OBJECT) throw in.mismatch(Map.Entry.class.getName());
            if (in.next() != Token.NAME) throw in.error("Cannot deserialize a Map.Entry out of empty JSON Object");
            Object key = Keys.read(keys, in.string(), in);
            in.next();
            Object value = values.readAny(in);
            if (in.next() != Token.END_OBJECT) {
                String second = " (second field: '" + in.string() + "')";
                throw in.error("Problem binding JSON into Map.Entry: more than one entry in JSON" + second);
            }
            return new AbstractMap.SimpleEntry<>(key, value);
        }
    }

    /** Reads the elements of what is an array, or of what stands for one: a single value, and "" for none at all. */
    private abstract static class Sequence implements Decoder {
        private final Decoder elements;

        Sequence(Decoder elements) {
            this.elements = elements;
        }

        abstract Class<?> type();

        abstract Object of(List<Object> values);

        @Override
        public Object read(Parser in) {
            List<Object> values = new ArrayList<>();
            if (in.token() == Token.STRING && in.string().trim().isEmpty()) return null;
            boolean array = in.token() == Token.ARRAY;
            try {
                if (!array) values.add(elements.read(in));
                while (array && in.next() != Token.END_ARRAY) values.add(elements.readAny(in));
            } catch (JsonException wrong) {
                throw wrong.in(type(), values.size());
            }
            return of(values);
        }
    }

    private static final class CollectionOf extends Sequence {
        private final Class<?> type;
        private final Supplier<Object> maker;

        CollectionOf(Shape shape, Mapper mapper) {
            super(mapper.later(shape.as(Iterable.class).argument(0)));
            Class<?> elements = shape.as(Iterable.class).argument(0).raw;
            maker = shape.raw == EnumSet.class ? () -> enumSet(elements) : maker(implied(shape.raw), COLLECTIONS);
            type = maker.get().getClass();
        }

        private static Class<?> implied(Class<?> raw) {
            return raw.isAssignableFrom(Deque.class) && !raw.isAssignableFrom(Collection.class) ? LinkedList.class : raw;
        }

        @SuppressWarnings({"unchecked", "rawtypes"})
        private static Object enumSet(Class<?> elements) {
            return EnumSet.noneOf((Class) elements);
        }

        @Override
        Class<?> type() {
            return type;
        }

        @Override
        @SuppressWarnings("unchecked")
        Object of(List<Object> values) {
            if (type == ArrayList.class) return values;
            Collection<Object> collection = (Collection<Object>) maker.get();
            for (Object value : values) {
                if (value != null || !(collection instanceof EnumSet)) collection.add(value);
            }
            return collection;
        }
    }

    private static final class ArrayOf extends Sequence {
        private final Class<?> type;

        ArrayOf(Shape shape, Mapper mapper) {
            super(mapper.later(shape.argument(0)));
            type = shape.raw;
        }

        @Override
        public Object read(Parser in) {
            if (type != char[].class || in.token() == Token.ARRAY) return super.read(in);
            if (in.token() == Token.STRING) return in.string().toCharArray();
            throw in.mismatch("char[]");
        }

        @Override
        Class<?> type() {
            return type;
        }

        @Override
        Object of(List<Object> values) {
            Object array = Array.newInstance(type.getComponentType(), values.size());
            for (int i = 0; i < values.size(); i++) Array.set(array, i, values.get(i));
            return array;
        }
    }
}
