package lambdad.runtime.json;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * JSON that could not be read, or a value that could not be written: what, where in the text, and where in the value.
 *
 * For whoever calls {@link Json}: AWS's client wraps what reading throws, whatever it is (this, or what a constructor of the
 * function's threw), in a java.lang.RuntimeException("An error occurred during JSON parsing", cause), and what writing throws in
 * one of "An error occurred during JSON serialization of response". The invocation fails with it; the environment goes on.
 */
public final class JsonException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final int LONGEST_PATH = 1000;

    private final String problem;
    private String location;
    private final transient Deque<String> path = new ArrayDeque<>();

    JsonException(String problem, String location, Throwable cause) {
        super(problem, cause);
        this.problem = problem;
        this.location = location;
    }

    JsonException(String problem) {
        this(problem, null, null);
    }

    /** The same error with the place in the text, unless it has one. */
    JsonException at(String place) {
        if (location == null) location = place;
        return this;
    }

    /** The same error as seen from a property of an object around it. */
    JsonException in(Class<?> around, String name) {
        return in(around.getName() + "[\"" + name + "\"]");
    }

    /** The same error as seen from an element of a collection or an array around it. */
    JsonException in(Class<?> around, int index) {
        return in((around.isArray() ? around.getComponentType().getTypeName() + "[]" : around.getName()) + "[" + index + "]");
    }

    private JsonException in(String step) {
        if (path.size() < LONGEST_PATH) path.addFirst(step);
        return this;
    }

    /** The way from the root to the value at fault, as Jackson writes it: Order["lines"]->java.util.ArrayList[2]. */
    public String path() {
        return String.join("->", path);
    }

    @Override
    public String getMessage() {
        StringBuilder told = new StringBuilder(String.valueOf(problem));
        if (location != null) told.append("\n at ").append(location);
        if (!path.isEmpty()) told.append(" (through reference chain: ").append(path()).append(')');
        return told.toString();
    }
}
