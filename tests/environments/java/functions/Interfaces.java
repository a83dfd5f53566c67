package functions;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;

/** Classes that implement AWS's interfaces, directly or not; and some that cannot be handlers. */
public class Interfaces {
    public static class Direct implements RequestHandler<Integer, String> {
        @Override
        public String handleRequest(Integer event, Context context) {
            return event + "+";
        }
    }

    public abstract static class Base<T, R> implements RequestHandler<T, R> {
        @Override
        public R handleRequest(T event, Context context) {
            return answer(event);
        }

        abstract R answer(T event);
    }

    public abstract static class Swapped<A, B> extends Base<B, A> {}

    public static class Inherited extends Swapped<String, List<Long>> {
        @Override
        String answer(List<Long> event) {
            long sum = 0;
            for (Long number : event) {
                sum += number;
            }
            return "sum " + sum;
        }
    }

    public interface Numbers<T extends Number> extends RequestHandler<T, Void> {}

    public static class Bounded<T extends Number> implements RequestHandler<T, String> {
        @Override
        public String handleRequest(T event, Context context) {
            return "bounded";
        }
    }

    public static class ByInterface implements Numbers<Double> {
        @Override
        public Void handleRequest(Double event, Context context) {
            return null;
        }
    }

    public static class Streams implements RequestStreamHandler {
        @Override
        public void handleRequest(InputStream input, OutputStream output, Context context) throws IOException {
            for (int next = input.read(); next >= 0; next = input.read()) {
                output.write(next);
            }
        }
    }

    @SuppressWarnings("rawtypes")
    public static class Raw implements RequestHandler {
        @Override
        public Object handleRequest(Object event, Context context) {
            return event;
        }
    }

    public static class Unbounded<T> implements RequestHandler<T, String> {
        @Override
        public String handleRequest(T event, Context context) {
            return "never";
        }
    }

    public static class None {}

    public static class NoConstructor extends Direct {
        public NoConstructor(String needed) {}
    }

    public class Inner extends Direct {}

    public abstract static class Abstract extends Direct {}

    public static class Throwing extends Direct {
        public Throwing() {
            throw new IllegalStateException("not born");
        }
    }

    public static class Static extends Direct {
        static final int NUMBER = Integer.parseInt("none");
    }
}
