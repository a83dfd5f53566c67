package lambdad.runtime;

import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;

/**
 * From a function's Handler setting to what handles its events: `package.Class` or `package.Class::method`.
 *
 * <p>Raises Fault in AWS's words. AWS: docs.aws.amazon.com/lambda/latest/dg/java-handler.html
 */
final class HandlerLoader {
    private HandlerLoader() {}

    static Handler load(String setting, FunctionClassLoader loader) {
        int colons = setting.lastIndexOf("::");
        String className = colons < 0 ? setting : setting.substring(0, colons);
        String method = colons < 0 ? null : setting.substring(colons + 2);
        if (className.isEmpty() || (method != null && method.isEmpty())) {
            throw Fault.of("Invalid handler: `" + setting + "'");
        }
        Class<?> type = find(className, loader);
        Serializers serializers = new Serializers(loader);
        try {
            return method == null ? byInterface(type, serializers) : MethodFinder.find(type, method, serializers);
        } catch (Fault fault) {
            throw fault;
        } catch (Throwable thrown) {
            throw Fault.of(thrown);
        }
    }

    private static Class<?> find(String name, ClassLoader loader) {
        try {
            return Class.forName(name, true, loader);
        } catch (ClassNotFoundException e) {
            throw Fault.of("Class not found: " + name, e);
        } catch (NoClassDefFoundError e) {
            throw Fault.ofLinking(unloadable(name, e), e);
        } catch (Throwable thrown) {
            throw Fault.ofInit(unloadable(name, thrown), thrown);
        }
    }

    private static String unloadable(String name, Throwable thrown) {
        return "Error loading class " + name + (thrown.getMessage() == null ? "" : ": " + thrown.getMessage());
    }

    private static Handler byInterface(Class<?> type, Serializers serializers) throws Exception {
        if (RequestStreamHandler.class.isAssignableFrom(type)) {
            RequestStreamHandler handler = (RequestStreamHandler) Instances.of(type);
            return new StreamHandler((input, output, context) -> handler.handleRequest(input, output, context));
        }
        if (!RequestHandler.class.isAssignableFrom(type)) {
            throw Fault.of("Class does not implement an appropriate handler interface: " + type.getName());
        }
        Type[] types = HandlerTypes.of(type);
        if (types == null) {
            throw Fault.of("Class " + type.getName()
                    + " does not implement RequestHandler with concrete type parameters");
        }
        for (Type given : types) {
            if (given instanceof TypeVariable && HandlerTypes.bound((TypeVariable<?>) given) == Object.class) {
                throw Fault.of("Class " + type.getName() + " does not implement RequestHandler with concrete type "
                        + "parameters: parameter " + given + " has no upper bound.");
            }
        }
        @SuppressWarnings("unchecked")
        RequestHandler<Object, Object> handler = (RequestHandler<Object, Object>) Instances.of(type);
        return new ObjectHandler(types[0], types[1], serializers, handler::handleRequest);
    }
}
