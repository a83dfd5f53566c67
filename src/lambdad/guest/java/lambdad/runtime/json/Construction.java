package lambdad.runtime.json;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;

/** Makes objects by a constructor, public or not. */
final class Construction {
    private static final String NO_CREATORS = " (no Creators, like default constructor, exist): ";
    private static final String INNER =
        ": non-static inner classes like this can only by instantiated using default, no-argument constructor";
    private static final String ABSTRACT = "abstract types either need to be mapped to concrete types, have custom deserializer, "
        + "or contain additional type information";

    private final Class<?> type;
    private final Constructor<?> constructor;

    /** A type that cannot be made is found out when one is wanted: null needs none. */
    Construction(Class<?> type, Class<?>... parameters) {
        this.type = type;
        constructor = Modifier.isAbstract(type.getModifiers()) ? null : constructor(type, parameters);
        boolean open = constructor == null || Modifier.isPublic(constructor.getModifiers() & type.getModifiers());
        if (!open) constructor.setAccessible(true);
    }

    private static Constructor<?> constructor(Class<?> type, Class<?>... parameters) {
        try {
            return type.getDeclaredConstructor(parameters);
        } catch (NoSuchMethodException none) {
            return null;
        }
    }

    boolean isPossible() {
        return constructor != null;
    }

    int parameters() {
        return constructor == null ? 0 : constructor.getParameterCount();
    }

    JsonException impossible(String reason) {
        String words = "Cannot construct instance of `" + type.getName() + "`";
        if (Modifier.isAbstract(type.getModifiers())) return new JsonException(words + NO_CREATORS + ABSTRACT);
        boolean inner = type.getEnclosingClass() != null && !Modifier.isStatic(type.getModifiers());
        return new JsonException(words + (inner ? INNER : NO_CREATORS + reason));
    }

    Object make(Object... arguments) {
        if (constructor == null) throw impossible("cannot deserialize from Object value (no delegate- or property-based Creator)");
        try {
            return constructor.newInstance(arguments);
        } catch (InvocationTargetException thrown) {
            throw causeOf(thrown, problem());
        } catch (ReflectiveOperationException refused) {
            throw new JsonException(problem() + refused.getMessage(), null, refused);
        }
    }

    private String problem() {
        return "Cannot construct instance of `" + type.getName() + "`, problem: ";
    }

    /** What the function's code threw, to be thrown on; errors are thrown as they are. */
    static JsonException causeOf(InvocationTargetException thrown, String words) {
        Throwable cause = thrown.getCause();
        if (cause instanceof Error) throw (Error) cause;
        return new JsonException(words + cause.getMessage(), null, cause);
    }
}
