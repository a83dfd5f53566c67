package lambdad.runtime.json;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.util.Base64;
import java.util.Currency;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Reads what is one token and no number: strings, booleans, enums, bytes and what is made of a string. */
final class Scalars {
    private static final Map<Class<?>, Decoder> BY_CLASS = new HashMap<>();

    static {
        add(new Truth(boolean.class, false), boolean.class);
        add(new Truth(Boolean.class, null), Boolean.class);
        add(new Letter(char.class, '\0'), char.class);
        add(new Letter(Character.class, null), Character.class);
        add(new Truth(AtomicBoolean.class, null) {
            @Override
            Object of(boolean value) {
                return new AtomicBoolean(value);
            }
        }, AtomicBoolean.class);
        add(new Text(String.class, v -> v), String.class, CharSequence.class);
        add(new Text(StringBuilder.class, StringBuilder::new), StringBuilder.class);
        add(new Text(StringBuffer.class, StringBuffer::new), StringBuffer.class);
        add(new Bytes(byte[].class, v -> v), byte[].class);
        add(new Bytes(ByteBuffer.class, ByteBuffer::wrap), ByteBuffer.class);
        add(new Nothing(), void.class, Void.class);
        fromString(UUID.class, UUID::fromString);
        fromString(URI.class, "", URI::create);
        fromString(URL.class, Scalars::url);
        fromString(File.class, File::new);
        fromString(Locale.class, "", Scalars::locale);
        fromString(Class.class, Scalars::loaded);
        fromString(Currency.class, Currency::getInstance);
        fromString(Pattern.class, Pattern::compile);
        fromString(TimeZone.class, TimeZone::getTimeZone);
        fromString(Charset.class, Charset::forName);
    }

    private Scalars() {
    }

    static Decoder decoder(Class<?> type) {
        if (type.isEnum()) return new Constant(type);
        Decoder number = Numbers.decoder(type);
        return number != null ? number : BY_CLASS.get(type);
    }

    private static void add(Decoder decoder, Class<?>... types) {
        for (Class<?> type : types) BY_CLASS.put(type, decoder);
    }

    private static void fromString(Class<?> type, Function<String, Object> of) {
        fromString(type, null, of);
    }

    private static void fromString(Class<?> type, String ofEmpty, Function<String, Object> of) {
        add(new FromString(type, ofEmpty, of), type);
    }

    static Locale locale(String text) {
        String[] parts = text.split("[_-]", 3);
        return new Locale(parts[0], parts.length > 1 ? parts[1] : "", parts.length > 2 ? parts[2] : "");
    }

    private static Class<?> loaded(String name) {
        try {
            return Class.forName(name, false, Thread.currentThread().getContextClassLoader());
        } catch (ClassNotFoundException none) {
            throw new IllegalArgumentException("class not found", none);
        }
    }

    private static URL url(String text) {
        try {
            return new URL(text);
        } catch (MalformedURLException wrong) {
            throw new IllegalArgumentException(wrong.getMessage(), wrong);
        }
    }

    private static class Truth extends Scalar {
        Truth(Class<?> type, Object ofNull) {
            super(type, ofNull);
        }

        Object of(boolean value) {
            return value;
        }

        @Override
        final Object ofToken(Parser in) {
            if (in.token() == Token.TRUE || in.token() == Token.FALSE) return of(in.token() == Token.TRUE);
            if (in.token() == Token.INTEGER) return of(!in.string().equals("0"));
            throw mismatch(in);
        }

        @Override
        final Object ofText(String text, Parser in) {
            if (text.matches("true|True|TRUE")) return of(true);
            if (text.matches("false|False|FALSE")) return of(false);
            if (text.equals("null")) return ofNull();
            throw weird(in, "only \"true\"/\"True\"/\"TRUE\" or \"false\"/\"False\"/\"FALSE\" recognized");
        }
    }

    private static final class Letter extends Scalar {
        Letter(Class<?> type, Object ofNull) {
            super(type, ofNull);
        }

        @Override
        Object ofToken(Parser in) {
            if (in.token() != Token.INTEGER) throw mismatch(in);
            Number code = in.number();
            if (code.longValue() != (char) code.longValue()) throw mismatch(in);
            return (char) code.intValue();
        }

        @Override
        public Object read(Parser in) {
            boolean one = in.token() == Token.STRING && in.string().length() == 1;
            return one ? (Object) in.string().charAt(0) : super.read(in);
        }

        @Override
        Object ofText(String text, Parser in) {
            if (text.equals("null")) return ofNull();
            throw weird(in, "Expected either Integer value code or 1-character String");
        }
    }

    private static final class Text extends Scalar {
        private final Function<String, Object> of;

        Text(Class<?> type, Function<String, Object> of) {
            super(type, null);
            this.of = of;
        }

        @Override
        public Object read(Parser in) {
            return in.token() == Token.STRING ? of.apply(in.string()) : super.read(in);
        }

        @Override
        Object ofToken(Parser in) {
            switch (in.token()) {
                case TRUE:
                case FALSE:
                    return of.apply(in.token() == Token.TRUE ? "true" : "false");
                case INTEGER:
                case DECIMAL:
                    return of.apply(in.string());
                default:
                    throw mismatch(in);
            }
        }

        @Override
        Object ofText(String text, Parser in) {
            return of.apply(text);
        }
    }

    private static final class FromString extends Scalar {
        private final String ofEmpty;
        private final Function<String, Object> of;

        FromString(Class<?> type, String ofEmpty, Function<String, Object> of) {
            super(type, null);
            this.of = of;
            this.ofEmpty = ofEmpty;
        }

        @Override
        Object ofEmptyText() {
            return ofEmpty == null ? null : of.apply(ofEmpty);
        }

        @Override
        Object ofToken(Parser in) {
            if (in.token() != Token.INTEGER && in.token() != Token.DECIMAL) throw mismatch(in);
            return ofText(in.string(), in);
        }

        @Override
        Object ofText(String text, Parser in) {
            try {
                return of.apply(text);
            } catch (IllegalArgumentException wrong) {
                throw weird(in, "not a valid textual representation, problem: " + wrong.getMessage());
            }
        }
    }

    /** Names no constant has are null, and so are numbers: AWS asks for that. */
    private static final class Constant extends Scalar {
        private final Object[] constants;
        private final Map<String, Object> named = new HashMap<>();

        Constant(Class<?> type) {
            super(type, null);
            constants = type.getEnumConstants();
            for (Object constant : constants) named.put(((Enum<?>) constant).name(), constant);
        }

        @Override
        Object ofToken(Parser in) {
            if (in.token() != Token.INTEGER) throw mismatch(in);
            return at(in.string());
        }

        @Override
        Object ofText(String text, Parser in) {
            Object constant = named.get(text);
            return constant != null || !text.matches("\\d{1,9}") ? constant : at(text);
        }

        private Object at(String index) {
            if (index.length() > 9 || index.charAt(0) == '-') return null;
            int place = Integer.parseInt(index);
            return place < constants.length ? constants[place] : null;
        }
    }

    private static final class Bytes extends Scalar {
        private final Function<byte[], Object> of;

        Bytes(Class<?> type, Function<byte[], Object> of) {
            super(type, null);
            this.of = of;
        }

        @Override
        public Object read(Parser in) {
            return in.token() == Token.STRING ? ofText(in.string(), in) : ofToken(in);
        }

        @Override
        Object ofToken(Parser in) {
            if (in.token() != Token.ARRAY) throw mismatch(in);
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            while (in.next() != Token.END_ARRAY) bytes.write((byte) Numbers.decoder(byte.class).readAny(in));
            return of.apply(bytes.toByteArray());
        }

        @Override
        Object ofText(String text, Parser in) {
            try {
                String dense = text.replaceAll("\\s", "");
                if (dense.length() % 4 != 0) throw new IllegalArgumentException("padding is missing");
                return of.apply(Base64.getDecoder().decode(dense));
            } catch (IllegalArgumentException wrong) {
                throw weird(in, "failed to decode as base64: " + wrong.getMessage());
            }
        }
    }

    /** Void has no values: whatever stands there is passed over. */
    private static final class Nothing implements Decoder {
        @Override
        public Object read(Parser in) {
            in.skip();
            return null;
        }
    }
}
