package lambdad.runtime;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;

/** Makes the one instance of a handler's class. */
final class Instances {
    private Instances() {}

    /** What its constructor throws ends initialisation; that there is none is told to the first invocation. */
    static Object of(Class<?> type) throws Exception {
        try {
            return constructorOf(type).newInstance();
        } catch (InvocationTargetException e) {
            Throwable thrown = e.getCause() == null ? e : e.getCause();
            throw Fault.ofInit(Fault.messageOf(thrown), thrown);
        }
    }

    private static Constructor<?> constructorOf(Class<?> type) throws Exception {
        try {
            return type.getConstructor();
        } catch (NoSuchMethodException e) {
            if (type.getEnclosingClass() != null && !Modifier.isStatic(type.getModifiers())) {
                throw new Exception("Class " + type.getName()
                        + " cannot be instantiated because it is a non-static inner class");
            }
            throw new Exception("Class " + type.getName() + " has no public zero-argument constructor", e);
        }
    }
}
