package lambdad.runtime.json;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.MonthDay;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.Period;
import java.time.Year;
import java.time.YearMonth;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.TemporalAccessor;
import java.util.ArrayList;
import java.util.Calendar;
import java.util.Date;
import java.util.GregorianCalendar;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Dates and java.time: milliseconds for the former, seconds with nine decimals for moments, arrays of numbers for what has no
 * zone, as Jackson's JavaTimeModule writes them unasked. Zoned times are read into UTC.
 */
final class Times {
    private static final DateTimeFormatter LENIENT_DATE = new DateTimeFormatterBuilder()
        .append(DateTimeFormatter.ISO_LOCAL_DATE)
        .optionalStart().appendLiteral('T').append(DateTimeFormatter.ISO_LOCAL_TIME)
        .optionalStart().appendOffset("+HH:mm", "Z")
        .toFormatter();
    private static final Pattern SHORT_OFFSET = Pattern.compile("(T.*[+-]\\d\\d)(\\d\\d)?$");
    private static final DateTimeFormatter WRITTEN_DATE =
        DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS+00:00").withZone(ZoneOffset.UTC);
    private static final Map<Class<?>, Decoder> DECODERS = new HashMap<>();

    static {
        add(Date.class, Times::date, v -> new Date(v.longValueExact()), null);
        add(Calendar.class, text -> calendar(date(text)), v -> calendar(new Date(v.longValueExact())), null);
        DECODERS.put(GregorianCalendar.class, DECODERS.get(Calendar.class));
        add(Instant.class, Times::instant, Times::ofSeconds, null);
        add(OffsetDateTime.class, Times::offsetDateTime, v -> ofSeconds(v).atOffset(ZoneOffset.UTC), null);
        add(ZonedDateTime.class, Times::zonedDateTime, v -> ofSeconds(v).atZone(ZoneId.of("UTC")), null);
        add(Duration.class, Duration::parse, v -> Duration.between(Instant.EPOCH, ofSeconds(v)), null);
        add(LocalDate.class, Times::localDate, v -> LocalDate.ofEpochDay(v.longValueExact()), Times::localDate);
        add(LocalDateTime.class, Times::localDateTime, null, v -> localDate(v).atTime(localTime(v.subList(3, v.size()))));
        add(LocalTime.class, LocalTime::parse, null, Times::localTime);
        add(OffsetTime.class, OffsetTime::parse, null, Times::offsetTime);
        add(YearMonth.class, YearMonth::parse, null, v -> YearMonth.of(v.get(0), v.get(1)));
        add(Year.class, text -> Year.of(Integer.parseInt(text)), v -> Year.of(v.intValueExact()), null);
        add(MonthDay.class, MonthDay::parse, null, v -> MonthDay.of(v.get(0), v.get(1)));
        add(Period.class, Period::parse, null, null);
        add(ZoneId.class, ZoneId::of, null, null);
        add(ZoneOffset.class, ZoneOffset::of, null, null);
    }

    private Times() {
    }

    static Decoder decoder(Class<?> type) {
        return DECODERS.get(type);
    }

    static Encoder encoder(Class<?> type) {
        if (type == Instant.class) return (value, out) -> seconds((Instant) value, out);
        if (type == OffsetDateTime.class) return (value, out) -> seconds(((OffsetDateTime) value).toInstant(), out);
        if (type == ZonedDateTime.class) return (value, out) -> seconds(((ZonedDateTime) value).toInstant(), out);
        if (type == Duration.class) return (value, out) -> seconds((Duration) value, out);
        if (type == Year.class) return (value, out) -> out.plain(value.toString());
        if (type == YearMonth.class) return (value, out) -> yearMonth((YearMonth) value, out);
        if (type == LocalDate.class) return (value, out) -> localDate((LocalDate) value, out);
        if (type == LocalTime.class) return (value, out) -> localTime((LocalTime) value, out);
        if (type == LocalDateTime.class) return (value, out) -> localDateTime((LocalDateTime) value, out);
        return type == OffsetTime.class ? (value, out) -> offsetTime((OffsetTime) value, out) : null;
    }

    /** Milliseconds as digits, ISO 8601 with or without its time, or RFC 1123. */
    static Date date(String text) {
        if (text.matches("-?\\d+")) return new Date(Long.parseLong(text));
        if (!text.matches("[+-]?\\d{4,}-.*")) return Date.from(Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(text)));
        String whole = withWholeOffset(text);
        TemporalAccessor read = LENIENT_DATE.parseBest(whole, OffsetDateTime::from, LocalDateTime::from, LocalDate::from);
        if (read instanceof OffsetDateTime) return Date.from(((OffsetDateTime) read).toInstant());
        LocalDateTime local = read instanceof LocalDate ? ((LocalDate) read).atStartOfDay() : (LocalDateTime) read;
        return Date.from(local.toInstant(ZoneOffset.UTC));
    }

    /** +0100 and +01 as +01:00. */
    private static String withWholeOffset(String text) {
        Matcher offset = SHORT_OFFSET.matcher(text);
        return offset.find() ? offset.replaceFirst("$1:" + (offset.group(2) == null ? "00" : "$2")) : text;
    }

    static String format(Date date) {
        return WRITTEN_DATE.format(date.toInstant());
    }

    private static Calendar calendar(Date date) {
        Calendar calendar = new GregorianCalendar(TimeZone.getTimeZone("UTC"));
        calendar.setTime(date);
        return calendar;
    }

    private static Instant ofSeconds(BigDecimal seconds) {
        // 1e999999999 as an integer would fill the memory.
        if (Math.abs((long) seconds.scale()) > 1000) throw new ArithmeticException("out of range");
        BigDecimal whole = seconds.setScale(0, RoundingMode.FLOOR);
        return Instant.ofEpochSecond(whole.longValueExact(), seconds.subtract(whole).movePointRight(9).longValue());
    }

    private static boolean isNumber(String text) {
        return text.matches("-?\\d{1,18}(\\.\\d{1,18})?");
    }

    private static Instant instant(String text) {
        return isNumber(text) ? ofSeconds(new BigDecimal(text)) : offsetDateTime(text).toInstant();
    }

    private static OffsetDateTime offsetDateTime(String text) {
        if (isNumber(text)) return instant(text).atOffset(ZoneOffset.UTC);
        return OffsetDateTime.parse(withWholeOffset(text)).withOffsetSameInstant(ZoneOffset.UTC);
    }

    private static ZonedDateTime zonedDateTime(String text) {
        return (isNumber(text) ? instant(text) : ZonedDateTime.parse(text).toInstant()).atZone(ZoneId.of("UTC"));
    }

    private static LocalDate localDate(String text) {
        return text.indexOf('T') < 0 ? LocalDate.parse(text) : localDateTime(text).toLocalDate();
    }

    private static LocalDateTime localDateTime(String text) {
        return LocalDateTime.parse(text.endsWith("Z") ? text.substring(0, text.length() - 1) : text);
    }

    private static <T> void add(
        Class<T> type, Function<String, T> text, Function<BigDecimal, T> number, Function<List<Integer>, T> numbers) {
        DECODERS.put(type, new Time<>(type, text, number, numbers));
    }

    private static LocalDate localDate(List<Integer> numbers) {
        return LocalDate.of(numbers.get(0), numbers.get(1), numbers.get(2));
    }

    private static LocalTime localTime(List<Integer> numbers) {
        return LocalTime.of(numbers.get(0), numbers.get(1), at(numbers, 2), at(numbers, 3));
    }

    /** The offset comes last. */
    private static OffsetTime offsetTime(List<Integer> numbers) {
        int last = numbers.size() - 1;
        return localTime(numbers.subList(0, last)).atOffset(ZoneOffset.ofTotalSeconds(numbers.get(last)));
    }

    private static int at(List<Integer> numbers, int place) {
        return place < numbers.size() ? numbers.get(place) : 0;
    }

    private static void seconds(Instant moment, Generator out) throws IOException {
        seconds(moment.getEpochSecond(), moment.getNano(), out);
    }

    private static void seconds(Duration duration, Generator out) throws IOException {
        seconds(duration.getSeconds(), duration.getNano(), out);
    }

    private static void seconds(long seconds, int nanos, Generator out) throws IOException {
        out.plain(seconds == 0 && nanos == 0 ? "0.0" : BigDecimal.valueOf(seconds).add(BigDecimal.valueOf(nanos, 9)).toString());
    }

    private static void numbers(Generator out, int... numbers) throws IOException {
        out.startArray();
        for (int number : numbers) out.plain(Integer.toString(number));
        out.endArray();
    }

    private static void yearMonth(YearMonth month, Generator out) throws IOException {
        numbers(out, month.getYear(), month.getMonthValue());
    }

    private static void localDate(LocalDate date, Generator out) throws IOException {
        numbers(out, date.getYear(), date.getMonthValue(), date.getDayOfMonth());
    }

    private static void localDateTime(LocalDateTime value, Generator out) throws IOException {
        out.startArray();
        out.plain(Integer.toString(value.getYear()));
        out.plain(Integer.toString(value.getMonthValue()));
        out.plain(Integer.toString(value.getDayOfMonth()));
        parts(value.toLocalTime(), out);
        out.endArray();
    }

    private static void localTime(LocalTime value, Generator out) throws IOException {
        out.startArray();
        parts(value, out);
        out.endArray();
    }

    private static void offsetTime(OffsetTime value, Generator out) throws IOException {
        out.startArray();
        parts(value.toLocalTime(), out);
        out.string(value.getOffset().toString());
        out.endArray();
    }

    /** Seconds and nanoseconds only where there are any. */
    private static void parts(LocalTime time, Generator out) throws IOException {
        out.plain(Integer.toString(time.getHour()));
        out.plain(Integer.toString(time.getMinute()));
        if (time.getSecond() == 0 && time.getNano() == 0) return;
        out.plain(Integer.toString(time.getSecond()));
        if (time.getNano() > 0) out.plain(Integer.toString(time.getNano()));
    }

    private static final class Time<T> extends Scalar {
        private final Function<String, T> text;
        private final Function<BigDecimal, T> number;
        private final Function<List<Integer>, T> numbers;

        Time(Class<T> type, Function<String, T> text, Function<BigDecimal, T> number, Function<List<Integer>, T> numbers) {
            super(type, null);
            this.text = text;
            this.number = number;
            this.numbers = numbers;
        }

        @Override
        public Object read(Parser in) {
            if (in.token() != Token.ARRAY || numbers == null) return super.read(in);
            List<Integer> parts = new ArrayList<>();
            while (in.next() == Token.INTEGER) parts.add(in.number().intValue());
            if (in.token() == Token.STRING && type.equals(OffsetTime.class.getName())) {
                parts.add(made(ZoneOffset::of, in.string(), in).getTotalSeconds());
                in.next();
            }
            if (in.token() != Token.END_ARRAY) throw mismatch(in);
            return parts.isEmpty() ? null : made(numbers, parts, in);
        }

        @Override
        Object ofToken(Parser in) {
            boolean isNumber = in.token() == Token.INTEGER || in.token() == Token.DECIMAL;
            if (!isNumber || number == null) throw mismatch(in);
            return made(number, in.decimal(), in);
        }

        @Override
        Object ofText(String from, Parser in) {
            return made(text, from, in);
        }

        private <F, V> V made(Function<F, V> maker, F from, Parser in) {
            try {
                return maker.apply(from);
            } catch (DateTimeException | ArithmeticException | NumberFormatException | IndexOutOfBoundsException wrong) {
                String problem = in.token().described + ": " + wrong.getMessage();
                throw in.error("Cannot deserialize value of type `" + type + "` from " + problem, wrong);
            }
        }
    }
}
