import com.amazonaws.services.lambda.runtime.events.DynamodbEvent;
import com.amazonaws.services.lambda.runtime.events.KinesisEvent;
import com.amazonaws.services.lambda.runtime.events.S3Event;
import com.amazonaws.services.lambda.runtime.events.SNSEvent;
import com.amazonaws.services.lambda.runtime.events.SQSEvent;
import com.amazonaws.services.lambda.runtime.events.ScheduledEvent;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.UUID;

/** Types as functions have them. Each method gives a type by what it returns, and a value to be written. */
public final class Samples {
    public enum Color { RED, GREEN { }, BLUE }

    public static class Scalars {
        public int i = 9;
        public long l = 9;
        public double d = 9;
        public boolean b = true;
        public char c = 'x';
        public byte y = 9;
        public Integer boxed = 9;
        public String s = "9";
        public BigDecimal decimal;
        public BigInteger big;
        public Number number;
        public Color color;
        public UUID uuid;
        public URI uri;
        public Locale locale;
        public byte[] bytes;
        public ByteBuffer buffer;
        public char[] chars;
    }

    /** Names by the JavaBeans rule; what is private, static, transient or no accessor. */
    public static class Named {
        private String URL = "u";
        private String aName = "a";
        private boolean ready = true;
        private int hidden = 1;
        public final int fixed = Integer.parseInt("2");
        public transient int passing = 3;
        public static int shared = 4;
        protected int guarded = 5;

        public String getURL() { return URL; }
        public void setURL(String value) { URL = value; }
        public String getaName() { return aName; }
        public Named setaName(String value) { aName = value; return this; }
        public boolean isReady() { return ready; }
        private void setReady(boolean value) { ready = value; }
        public int getHidden() { return hidden; }
        public String isText() { return "no"; }
        public String get() { return "no"; }
        public String getWith(int argument) { return "no"; }
        void getNothing() { }
    }

    public static class ReadOnly {
        private final List<String> list = new ArrayList<>();
        public List<String> getList() { return list; }
    }

    public static class Base<T> {
        private T value;
        public List<T> list;
        public T getValue() { return value; }
        public void setValue(T value) { this.value = value; }
    }

    public static class Derived extends Base<Integer> {
        public String own = "o";
    }

    public static class Node {
        public Node next;
        public List<Node> children;
        public int value;
    }

    public static class Secret {
        public int a;
        private Secret() { }
    }

    public static class NeedsText {
        public String text;
        public NeedsText(String text) { this.text = text; }
    }

    public interface Shape {
        int getArea();
        default int getSides() { return 4; }
    }

    public static class Square implements Shape {
        public int getArea() { return 1; }
        public int getSide() { return 1; }
    }

    public static class Holder {
        public Shape shape;
    }

    public static class Throwing {
        public void setA(int a) { throw new IllegalStateException("set no more"); }
        public int getA() { throw new IllegalStateException("got no more"); }
    }

    public static class Torn {
        public void setA(Integer a) { }
        public void setA(Long a) { }
    }

    public static class Preferring {
        private String how = "none";
        public String getHow() { return how; }
        public void setA(Integer a) { how = "Integer"; }
        public void setA(String a) { how = "String"; }
    }

    public static class Containers {
        public Set<String> set;
        public SortedSet<Integer> sorted;
        public Deque<Integer> deque;
        public Iterable<String> iterable;
        public String[] array;
        public int[][] matrix;
        public List<? extends Number> wild;
        public List<String>[] lists;
        public Map<Integer, List<String>> byNumber;
        public SortedMap<String, Object> sortedMap;
        public EnumMap<Color, String> byColor;
        public Optional<String> optional;
        public OptionalInt optionalInt;
    }

    public static class Times {
        public Date date;
        public Instant instant;
        public LocalDate localDate;
        public LocalTime localTime;
        public LocalDateTime local;
        public OffsetDateTime offset;
        public ZonedDateTime zoned;
        public Duration duration;
    }

    private Samples() {
    }

    public static Object any() { return new Object(); }
    public static String string() { return "a\"\\/\b\t\u0001\u007f\u00e9\u20ac\ud83d\ude00\ud83d"; }
    public static int number() { return 5; }
    public static Integer boxed() { return null; }
    public static Void nothing() { return null; }
    public static Scalars scalars() { return new Scalars(); }
    public static Named named() { return new Named(); }
    public static ReadOnly readOnly() { return new ReadOnly(); }
    public static Derived derived() { return new Derived(); }
    public static Base<Node> generic() { return null; }
    public static Node node() { return null; }
    public static List<Node> nodes() { return null; }
    public static Node[] array() { return null; }
    public static Secret secret() { return null; }
    public static NeedsText needsText() { return null; }
    public static Throwing throwing() { return new Throwing(); }
    public static Torn torn() { return null; }
    public static Preferring preferring() { return null; }
    public static Containers containers() { return null; }
    public static Times times() { return null; }
    public static Map<String, Integer> counts() { return null; }
    public static Shape shape() { return new Square(); }
    public static List<Shape> shapes() { return Arrays.asList(new Square(), null); }
    public static Base<?> narrowed() { return new Derived(); }
    public static Object whole() { return new Derived(); }
    public static Object incompatible() { return null; }
    public static Object infinite() { return Arrays.asList(Double.NaN, Float.NEGATIVE_INFINITY, 1e21, 0.1f, new BigDecimal("1E+3")); }
    public static Object bytes() { return Arrays.asList(new byte[] {1, 2, 3, 4}, ByteBuffer.wrap(new byte[] {1}), "ab".toCharArray()); }
    public static Object optionals() { return Arrays.asList(Optional.of(1), Optional.empty(), OptionalInt.empty()); }
    public static Object constants() { return Arrays.asList(Color.RED, Color.GREEN, Locale.US, String.class); }
    public static Object dates() { return Arrays.asList(new Date(5), Instant.ofEpochSecond(1, 5), LocalTime.of(1, 2), Duration.ZERO); }
    public static Object noNulls() { return Collections.singletonMap("a", Collections.singletonMap("b", null)); }

    public static Map<Object, Object> keys() {
        Map<Object, Object> map = new LinkedHashMap<>();
        map.put("z", 1);
        map.put(5, 2);
        map.put(Color.GREEN, 3);
        map.put(new Date(0), 4);
        return map;
    }

    public static Map<String, Object> withoutKey() {
        Map<String, Object> map = new HashMap<>();
        map.put(null, 1);
        return map;
    }

    public static Node itself() {
        Node node = new Node();
        node.next = node;
        return node;
    }

    public static Node cycle() {
        Node node = new Node();
        node.next = new Node();
        node.next.next = node;
        return node;
    }

    public static SQSEvent sqs() { return null; }
    public static SNSEvent sns() { return null; }
    public static KinesisEvent kinesis() { return null; }
    public static DynamodbEvent dynamodb() { return null; }
    public static ScheduledEvent scheduled() { return null; }
    public static S3Event s3() { return null; }
    public static List<SQSEvent> nestedEvents() { return null; }
}
