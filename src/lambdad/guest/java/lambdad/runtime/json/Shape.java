package lambdad.runtime.json;

import java.lang.reflect.Array;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.Arrays;

/** A type whose variables are resolved: a class and its arguments. Of an array, the one argument is what it holds. */
final class Shape {
    static final Shape OBJECT = new Shape(Object.class);

    final Class<?> raw;
    private final Shape[] arguments;

    private Shape(Class<?> raw, Shape... arguments) {
        this.raw = raw;
        this.arguments = arguments;
    }

    static Shape of(Type type) {
        return OBJECT.resolve(type);
    }

    /** What a type says that stands in a member of this one's class. */
    Shape resolve(Type type) {
        if (type instanceof Class) {
            Class<?> plain = (Class<?>) type;
            return plain.isArray() ? new Shape(plain, resolve(plain.getComponentType())) : new Shape(plain);
        }
        if (type instanceof ParameterizedType) {
            ParameterizedType generic = (ParameterizedType) type;
            Shape[] resolved = Arrays.stream(generic.getActualTypeArguments()).map(this::resolve).toArray(Shape[]::new);
            return new Shape((Class<?>) generic.getRawType(), resolved);
        }
        if (type instanceof GenericArrayType) {
            Shape held = resolve(((GenericArrayType) type).getGenericComponentType());
            return new Shape(Array.newInstance(held.raw, 0).getClass(), held);
        }
        if (type instanceof WildcardType) return resolve(((WildcardType) type).getUpperBounds()[0]);
        return resolve((TypeVariable<?>) type);
    }

    private Shape resolve(TypeVariable<?> variable) {
        int place = Arrays.asList(raw.getTypeParameters()).indexOf(variable);
        if (place >= 0 && place < arguments.length) return arguments[place];
        return new Shape(erased(variable)); // its bound may speak of itself
    }

    private static Class<?> erased(Type type) {
        if (type instanceof Class) return (Class<?>) type;
        if (type instanceof ParameterizedType) return (Class<?>) ((ParameterizedType) type).getRawType();
        if (type instanceof TypeVariable) return erased(((TypeVariable<?>) type).getBounds()[0]);
        return Object.class;
    }

    /** This type seen as one of those it extends or implements; null when it is none. */
    Shape as(Class<?> ancestor) {
        if (raw == ancestor) return this;
        if (!ancestor.isAssignableFrom(raw)) return null;
        for (Type parent : raw.getGenericInterfaces()) {
            Shape found = resolve(parent).as(ancestor);
            if (found != null) return found;
        }
        Type parent = raw.getGenericSuperclass();
        return parent == null ? new Shape(ancestor) : resolve(parent).as(ancestor);
    }

    /** The argument at a place; Object where none is given. */
    Shape argument(int place) {
        return place < arguments.length ? arguments[place] : OBJECT;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Shape)) return false;
        return raw == ((Shape) other).raw && Arrays.equals(arguments, ((Shape) other).arguments);
    }

    @Override
    public int hashCode() {
        return raw.hashCode() * 31 + Arrays.hashCode(arguments);
    }

    /** As Jackson writes types in errors. */
    @Override
    public String toString() {
        if (raw.isArray()) return argument(0) + "[]";
        if (arguments.length == 0) return raw.getName();
        String joined = String.join(",", Arrays.stream(arguments).map(Shape::toString).toArray(String[]::new));
        return raw.getName() + "<" + joined + ">";
    }
}
