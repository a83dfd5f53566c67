package functions;

import com.amazonaws.services.lambda.runtime.Context;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Methods of every form that a handler may have. */
public class Forms {
    public static String text(String event) {
        return event + "!";
    }

    public int number(int event) {
        return event * 2;
    }

    public Map<String, Object> object(Map<String, Object> event) {
        return event;
    }

    public List<Integer> list(List<Integer> event) {
        List<Integer> more = new ArrayList<>(event);
        more.add(event.get(0) + 1);
        return more;
    }

    public Person person(Person event, Context context) {
        event.name = event.name + " of " + context.getAwsRequestId();
        event.age++;
        return event;
    }

    public void nothing(Object event) {}

    public Void nothingBoxed(Object event) {
        return null;
    }

    public String noParameters() {
        return "none";
    }

    public String contextOnly(Context context) {
        return context.getAwsRequestId();
    }

    public String[] caller(Context context) {
        String pool = context.getIdentity().getIdentityPoolId();
        return new String[] {context.getIdentity().getIdentityId(), pool, context.getTenantId()};
    }

    public void streams(InputStream input, OutputStream output) throws IOException {
        byte[] bytes = new byte[100];
        output.write(bytes, 0, input.read(bytes));
        output.write(' ');
    }

    public void streamsAndContext(InputStream input, OutputStream output, Context context) throws IOException {
        streams(input, output);
        output.write(context.getAwsRequestId().getBytes(StandardCharsets.UTF_8));
    }

    public int inputOnly(InputStream input) throws IOException {
        return input.read();
    }

    public void outputOnly(OutputStream output) throws IOException {
        output.write('7');
    }

    public void outputAndContext(OutputStream output, Context context) throws IOException {
        output.write(context.getAwsRequestId().getBytes(StandardCharsets.UTF_8));
    }

    public String overloaded() {
        return "none";
    }

    public String overloaded(String event) {
        return "event";
    }

    public String overloaded(String event, Context context) {
        return "event and context";
    }

    public String overloaded(String event, String more) {
        return "cannot be called";
    }

    public String overloaded(String event, Context context, String more, String evenMore) {
        return "cannot be called";
    }

    /** A Context counts as two parameters, so this one is better than an event alone. */
    public String contextCounts(Context context) {
        return "context";
    }

    public String contextCounts(String event) {
        return "event";
    }

    public String uncallable(Context context, String event) {
        return "never";
    }

    String notPublic(String event) {
        return "never";
    }

    public Object fails(String event) {
        throw new IllegalArgumentException(event, new IllegalStateException("why"));
    }

    public Object failsChecked(String event) throws Exception {
        throw new IOException();
    }

    public Object cannotBeWritten(String event) {
        return new Object() {
            public String getValue() {
                throw new IllegalStateException("not now");
            }
        };
    }

    public static class Person {
        public String name;
        private int age;

        public int getAge() {
            return age;
        }

        public void setAge(int age) {
            this.age = age;
        }
    }
}
