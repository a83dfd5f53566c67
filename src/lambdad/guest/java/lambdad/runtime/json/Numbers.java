package lambdad.runtime.json;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import java.util.function.LongFunction;

/** Reads numbers, from numbers of any kind and from strings that hold one; fractions are cut off where they have no place. */
final class Numbers {
    private static final Map<Class<?>, Decoder> BY_CLASS = new HashMap<>();

    static {
        whole(byte.class, Byte.class, Byte.MIN_VALUE, 255, v -> (byte) v);
        whole(short.class, Short.class, Short.MIN_VALUE, Short.MAX_VALUE, v -> (short) v);
        whole(int.class, Integer.class, Integer.MIN_VALUE, Integer.MAX_VALUE, v -> (int) v);
        whole(long.class, Long.class, Long.MIN_VALUE, Long.MAX_VALUE, v -> v);
        real(float.class, Float.class, v -> (float) v);
        real(double.class, Double.class, v -> v);
        add(new Big(BigInteger.class, BigDecimal::toBigInteger), BigInteger.class);
        add(new Big(BigDecimal.class, v -> v), BigDecimal.class);
        add(new AnyNumber(), Number.class);
        whole(AtomicInteger.class, Integer.MIN_VALUE, Integer.MAX_VALUE, v -> new AtomicInteger((int) v));
        whole(AtomicLong.class, Long.MIN_VALUE, Long.MAX_VALUE, AtomicLong::new);
    }

    private Numbers() {
    }

    static Decoder decoder(Class<?> type) {
        return BY_CLASS.get(type);
    }

    private static void add(Decoder decoder, Class<?> type) {
        BY_CLASS.put(type, decoder);
    }

    private static void whole(Class<?> primitive, Class<?> box, long least, long most, LongFunction<Object> of) {
        add(new Whole(primitive, of.apply(0), least, most, of), primitive);
        whole(box, least, most, of);
    }

    private static void whole(Class<?> box, long least, long most, LongFunction<Object> of) {
        add(new Whole(box, null, least, most, of), box);
    }

    private static void real(Class<?> primitive, Class<?> box, DoubleFunction<Object> of) {
        add(new Real(primitive, of.apply(0), of), primitive);
        add(new Real(box, null, of), box);
    }

    /** A number as Jackson writes it: infinities may be INF. */
    static double real(String text) {
        return Double.parseDouble(text.endsWith("INF") ? text.replace("INF", "Infinity") : text);
    }

    private static final class Whole extends Scalar {
        private final long least;
        private final long most;
        private final LongFunction<Object> of;

        Whole(Class<?> type, Object ofNull, long least, long most, LongFunction<Object> of) {
            super(type, ofNull);
            this.least = least;
            this.most = most;
            this.of = of;
        }

        @Override
        Object ofToken(Parser in) {
            if (in.token() == Token.DECIMAL) return inRange(in.real(), in);
            if (in.token() != Token.INTEGER) throw mismatch(in);
            Number number = in.number();
            if (number instanceof BigInteger || number.longValue() < least || number.longValue() > most) throw outOfRange(in);
            return of.apply(number.longValue());
        }

        private Object inRange(double real, Parser in) {
            if (real < least || real > most) throw outOfRange(in);
            return of.apply((long) real);
        }

        @Override
        Object ofText(String text, Parser in) {
            if (text.equals("null")) return ofNull();
            try {
                long value = Long.parseLong(text);
                if (value >= least && value <= most) return of.apply(value);
                String range = type + " (" + least + " -" + most + ")";
                throw weird(in, "Overflow: numeric value (" + text + ") out of range of " + range);
            } catch (NumberFormatException none) {
                throw weird(in, "not a valid `" + type + "` value");
            }
        }

        private JsonException outOfRange(Parser in) {
            return in.error("Numeric value (" + in.string() + ") out of range of " + type + " (" + least + " - " + most + ")");
        }
    }

    private static final class Real extends Scalar {
        private final DoubleFunction<Object> of;

        Real(Class<?> type, Object ofNull, DoubleFunction<Object> of) {
            super(type, ofNull);
            this.of = of;
        }

        @Override
        Object ofToken(Parser in) {
            if (in.token() != Token.INTEGER && in.token() != Token.DECIMAL) throw mismatch(in);
            return of.apply(in.real());
        }

        @Override
        Object ofText(String text, Parser in) {
            if (text.equals("null")) return ofNull();
            try {
                return of.apply(Numbers.real(text));
            } catch (NumberFormatException none) {
                throw weird(in, "not a valid `" + type + "` value");
            }
        }
    }

    private static final class Big extends Scalar {
        private static final int LARGEST_SCALE = 100_000;
        private final boolean whole;
        private final Function<BigDecimal, Object> of;

        Big(Class<?> type, Function<BigDecimal, Object> of) {
            super(type, null);
            whole = type == BigInteger.class;
            this.of = of;
        }

        @Override
        Object ofToken(Parser in) {
            if (in.token() != Token.INTEGER && in.token() != Token.DECIMAL) throw mismatch(in);
            return of(in.string(), in);
        }

        @Override
        Object ofText(String text, Parser in) {
            if (text.equals("null")) return null;
            if (whole && !text.matches("[+-]?\\d+")) throw weird(in, "not a valid representation");
            return of(text, in);
        }

        private Object of(String text, Parser in) {
            try {
                BigDecimal number = new BigDecimal(text);
                // 1e999999999 as an integer would fill the memory.
                if (Math.abs((long) number.scale()) > LARGEST_SCALE) {
                    String limit = ") magnitude exceeds the maximum allowed (" + LARGEST_SCALE + ")";
                    throw in.error("BigDecimal scale (" + number.scale() + limit);
                }
                return of.apply(number);
            } catch (NumberFormatException none) {
                throw weird(in, "not a valid representation");
            }
        }
    }

    private static final class AnyNumber extends Scalar {
        AnyNumber() {
            super(Number.class, null);
        }

        @Override
        Object ofToken(Parser in) {
            if (in.token() != Token.INTEGER && in.token() != Token.DECIMAL) throw mismatch(in);
            return in.number();
        }

        @Override
        Object ofText(String text, Parser in) {
            if (text.equals("null")) return null;
            try {
                if (!text.matches("[+-]?\\d+")) return Numbers.real(text);
                BigInteger whole = new BigInteger(text);
                if (whole.bitLength() < 32) return whole.intValue();
                return whole.bitLength() < 64 ? (Number) whole.longValue() : whole;
            } catch (NumberFormatException none) {
                throw weird(in, "not a valid number");
            }
        }
    }
}
