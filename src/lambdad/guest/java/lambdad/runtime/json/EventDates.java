package lambdad.runtime.json;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Date;

/** Dates of AWS's event classes: seconds since the epoch with a fraction, and joda's DateTime from the function's own library. */
final class EventDates {
    static final String JODA = "org.joda.time.DateTime";

    private EventDates() {
    }

    static void writeSeconds(Object date, Generator out) throws IOException {
        out.plain(Double.toString(((Date) date).getTime() / 1000.0));
    }

    /** joda's toString is the format its ISODateTimeFormat.dateTime() prints. */
    static void writeJoda(Object date, Generator out) throws IOException {
        out.string(date.toString());
    }

    static final class Seconds implements Decoder {
        /** As on AWS, 0 is none, and so is what is no number. */
        @Override
        public Object read(Parser in) {
            double seconds = asDouble(in);
            in.skip();
            return seconds == 0 ? null : new Date((long) (seconds * 1000.0));
        }

        private static double asDouble(Parser in) {
            if (in.token() == Token.INTEGER || in.token() == Token.DECIMAL) return in.real();
            if (in.token() == Token.TRUE) return 1;
            if (in.token() != Token.STRING) return 0;
            try {
                return Double.parseDouble(in.string().trim());
            } catch (NumberFormatException none) {
                return 0;
            }
        }
    }

    /** DateTime.parse of the function's joda. */
    static final class Joda implements Decoder {
        private final Method parse;

        Joda(Class<?> type) {
            try {
                parse = type.getMethod("parse", String.class);
            } catch (NoSuchMethodException none) {
                throw new JsonException(none.getMessage(), null, none);
            }
        }

        @Override
        public Object read(Parser in) {
            if (in.token() == Token.OBJECT || in.token() == Token.ARRAY) {
                throw in.mismatch(JODA);
            }
            try {
                return parse.invoke(null, in.string());
            } catch (InvocationTargetException thrown) {
                throw Construction.causeOf(thrown, "");
            } catch (IllegalAccessException refused) {
                throw new JsonException(refused.getMessage(), null, refused);
            }
        }
    }
}
