package lambdad.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The handler among a class's public methods of one name: the one with the most parameters that can be given, where a
 * Context at the end counts twice.
 */
final class MethodFinder {
    private static final Comparator<Method> BEST_FIRST = Comparator.comparing(Method::isBridge)
            .thenComparing(method -> -weight(method.getParameterTypes()));

    private MethodFinder() {}

    static Handler find(Class<?> type, String name, Serializers serializers) throws Exception {
        List<Method> candidates = new ArrayList<>();
        for (Method method : methodsOf(type, name)) {
            if (method.getName().equals(name)) {
                candidates.add(method);
            }
        }
        candidates.sort(BEST_FIRST);
        for (Method method : candidates) {
            if (canBeCalled(method)) {
                return handlerOf(type, method, serializers);
            }
        }
        throw Fault.of("No public method named " + name + " with appropriate method signature found on class "
                + type.getName());
    }

    private static Method[] methodsOf(Class<?> type, String name) {
        try {
            return type.getMethods();
        } catch (NoClassDefFoundError e) {
            throw Fault.of("Error loading method " + name + " on class " + type.getName(), e);
        }
    }

    private static int weight(Class<?>[] parameters) {
        boolean context = parameters.length > 0 && parameters[parameters.length - 1] == Context.class;
        return parameters.length + (context ? 1 : 0);
    }

    /** Why not, is said where AWS says it: in the log. */
    private static boolean canBeCalled(Method method) {
        Class<?>[] types = method.getParameterTypes();
        if (types.length < 2) {
            return true;
        }
        String why = null;
        if (types.length > 3) {
            why = "Ignoring an overload of method " + method.getName()
                    + " because it has too many parameters: Expected at most 3, got " + types.length;
        } else if (types.length == 3) {
            boolean fits = types[0] == InputStream.class && types[1] == OutputStream.class && types[2] == Context.class;
            why = fits ? null : "Ignoring three-argument overload because argument signature is not "
                    + "(InputStream, OutputStream, Context";
        } else if (types[0] == Context.class) {
            why = "Ignoring two-argument overload because first argument type is Context";
        } else if (types[1] != Context.class && !(types[0] == InputStream.class && types[1] == OutputStream.class)) {
            why = whyNotTwo(types);
        }
        if (why != null) {
            System.err.println(why);
        }
        return why == null;
    }

    private static String whyNotTwo(Class<?>[] types) {
        if (types[0] == OutputStream.class) {
            return "Ignoring two-argument overload because first argument type is OutputStream and second argument type "
                    + "is not Context";
        }
        if (types[0] == InputStream.class) {
            return "Ignoring two-argument overload because second parameter type, " + types[1].getName()
                    + ", is not OutputStream.";
        }
        return "Ignoring two-argument overload because second parameter type is not Context";
    }

    private static Handler handlerOf(Class<?> type, Method method, Serializers serializers) throws Exception {
        Class<?>[] types = method.getParameterTypes();
        boolean streams = types.length > 0 && (types[0] == InputStream.class || types[0] == OutputStream.class);
        if (streams && method.getReturnType() != void.class && method.getReturnType() != Void.class) {
            System.err.println("Will ignore return type " + method.getReturnType() + " on byte stream handler");
        }
        Object instance = Modifier.isStatic(method.getModifiers()) ? null : Instances.of(type);
        if (streams) {
            return new StreamHandler((input, output, context) -> {
                call(method, instance, arguments(types, input, output, context));
                if (types[0] != OutputStream.class && (types.length < 2 || types[1] != OutputStream.class)) {
                    output.write(ObjectHandler.NULL);
                }
            });
        }
        Type input = types.length == 0 || types[0] == Context.class ? null : known(method.getGenericParameterTypes()[0]);
        Type output = known(method.getGenericReturnType());
        return new ObjectHandler(input, output, serializers, (value, context) ->
                call(method, instance, arguments(types, value, null, context)));
    }

    private static Type known(Type type) {
        return type instanceof TypeVariable ? HandlerTypes.bound((TypeVariable<?>) type) : type;
    }

    private static Object[] arguments(Class<?>[] types, Object input, OutputStream output, Context context) {
        Object[] arguments = new Object[types.length];
        for (int i = 0; i < types.length; i++) {
            if (types[i] == Context.class) {
                arguments[i] = context;
            } else {
                arguments[i] = types[i] == OutputStream.class ? output : input;
            }
        }
        return arguments;
    }

    private static Object call(Method method, Object instance, Object[] arguments) throws Throwable {
        try {
            return method.invoke(instance, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }
}
