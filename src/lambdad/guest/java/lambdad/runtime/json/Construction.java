package lambdad.runtime.json;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;

/** Makes objects by a constructor, public or not. */
final class Construction {
    static final String ABSTRACT = "abstract types either need to be mapped to concrete types, have custom deserializer, "
        + "or contain additional type information";

    private final Constructor<?> constructor;

    Construction(Class<?> type, Class<?>... parameters) {
        try {
            constructor = type.getDeclaredConstructor(parameters);
        } catch (NoSuchMethodException none) {
            throw impossible(type.getName(), without(type));
        }
        if (!Modifier.isPublic(constructor.getModifiers() & type.getModifiers())) constructor.setAccessible(true);
    }

    private static String without(Class<?> type) {
        if (type.getEnclosingClass() != null && !Modifier.isStatic(type.getModifiers())) {
            return "non-static inner classes like this can only by instantiated using default, no-argument constructor";
        }
        return "cannot deserialize from Object value (no delegate- or property-based Creator)";
    }

    static JsonException impossible(String type, String reason) {
        return new JsonException("Cannot construct instance of `" + type + "` (no Creators, like default constructor, exist): " + reason);
    }

    Object make(Object... arguments) {
        try {
            return constructor.newInstance(arguments);
        } catch (InvocationTargetException thrown) {
            throw causeOf(thrown, "Cannot construct instance of `" + constructor.getDeclaringClass().getName() + "`, problem: ");
        } catch (ReflectiveOperationException refused) {
            throw impossible(constructor.getDeclaringClass().getName(), refused.getMessage());
        }
    }

    /** What the function's code threw, to be thrown on; errors are thrown as they are. */
    static JsonException causeOf(InvocationTargetException thrown, String words) {
        Throwable cause = thrown.getCause();
        if (cause instanceof Error) throw (Error) cause;
        return new JsonException(words + cause.getMessage(), null, cause);
    }
}
