package lambdad.runtime;

import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;

/** What a class gives RequestHandler as types of event and result, itself or by what it extends. */
final class HandlerTypes {
    private HandlerTypes() {}

    /** Both; null where it gives none. A type variable that nobody has filled in stays one. */
    static Type[] of(Class<?> type) {
        return search(type, Collections.emptyMap());
    }

    static Type bound(TypeVariable<?> variable) {
        Type bound = variable.getBounds()[0];
        return bound instanceof TypeVariable ? bound((TypeVariable<?>) bound) : bound;
    }

    private static Type[] search(Type type, Map<Type, Type> known) {
        if (type instanceof ParameterizedType) {
            ParameterizedType parameterized = (ParameterizedType) type;
            Class<?> raw = (Class<?>) parameterized.getRawType();
            Type[] given = parameterized.getActualTypeArguments();
            Map<Type, Type> inside = new HashMap<>();
            for (int i = 0; i < given.length; i++) {
                given[i] = known.getOrDefault(given[i], given[i]);
                inside.put(raw.getTypeParameters()[i], given[i]);
            }
            return raw == RequestHandler.class ? given : searchAbove(raw, inside);
        }
        return type instanceof Class ? searchAbove((Class<?>) type, Collections.emptyMap()) : null;
    }

    private static Type[] searchAbove(Class<?> type, Map<Type, Type> known) {
        for (Type above : type.getGenericInterfaces()) {
            Type[] found = search(above, known);
            if (found != null) {
                return found;
            }
        }
        return type.getGenericSuperclass() == null ? null : search(type.getGenericSuperclass(), known);
    }
}
