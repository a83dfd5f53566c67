package lambdad.runtime.json;

import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;

/** One property of a class: how it is got and how it is set. */
final class Property {
    final String name;
    Field field;
    Field component;
    private Method getter;
    private int getterRank;
    private Method setter;
    private Method rival;

    Property(String name) {
        this.name = name;
    }

    boolean isEmpty() {
        return field == null && getter == null && setter == null;
    }

    boolean isReadable() {
        return getter != null || field != null;
    }

    boolean isWritable() {
        return setter != null || field != null;
    }

    /** Whether it is given to the constructor of a record. */
    boolean isComponent() {
        return component != null;
    }

    Class<?> component() {
        return component.getType();
    }

    Property renamed(String to) {
        return new Property(to).with(this);
    }

    Property with(Property other) {
        if (field == null) field = other.field;
        if (component == null) component = other.component;
        if (getter == null) {
            getter = other.getter;
            getterRank = other.getterRank;
        }
        if (setter == null) {
            setter = other.setter;
            rival = other.rival;
        }
        return this;
    }

    /** Methods come from a class before its ancestors: the first of a kind stays. */
    void addGetter(Method method, int rank) {
        boolean better = getter == null || getter.getDeclaringClass() == method.getDeclaringClass() && rank < getterRank;
        if (!better) return;
        getter = method;
        getterRank = rank;
    }

    /** Of several setters in one class, the primitive's wins, then the String's; others are rivals. */
    void addSetter(Method method) {
        if (setter == null || isPreferred(method, setter)) {
            setter = method;
            rival = null;
        } else if (setter.getDeclaringClass() == method.getDeclaringClass() && !isPreferred(setter, method)) {
            rival = method;
        }
    }

    private static boolean isPreferred(Method one, Method other) {
        if (one.getDeclaringClass() != other.getDeclaringClass()) return false;
        Class<?> first = one.getParameterTypes()[0];
        Class<?> second = other.getParameterTypes()[0];
        if (first.isPrimitive() != second.isPrimitive()) return first.isPrimitive();
        return first == String.class && second != String.class;
    }

    /** The type that is set. */
    Shape shape(Shape owner) {
        if (rival != null) {
            throw new JsonException("Conflicting setter definitions for property \"" + name + "\": " + setter + " vs " + rival);
        }
        if (isComponent()) return owner.resolve(component.getGenericType());
        Class<?> declaring = setter != null ? setter.getDeclaringClass() : field.getDeclaringClass();
        return owner.as(declaring).resolve(setter != null ? setter.getGenericParameterTypes()[0] : field.getGenericType());
    }

    void openToGet() {
        if (getter != null) open(getter);
        else open(field);
    }

    void openToSet() {
        if (setter != null) open(setter);
        else if (field != null) open(field);
    }

    private static <T extends AccessibleObject & Member> void open(T member) {
        boolean free = Modifier.isPublic(member.getModifiers() & member.getDeclaringClass().getModifiers());
        if (!free || member instanceof Field && Modifier.isFinal(member.getModifiers())) member.setAccessible(true);
    }

    Object get(Object owner) {
        try {
            return getter != null ? getter.invoke(owner) : field.get(owner);
        } catch (InvocationTargetException thrown) {
            throw Construction.causeOf(thrown, "");
        } catch (IllegalAccessException refused) {
            throw new JsonException(refused.getMessage(), null, refused);
        }
    }

    void set(Object owner, Object value) {
        try {
            if (setter != null) setter.invoke(owner, value);
            else field.set(owner, value);
        } catch (InvocationTargetException thrown) {
            throw Construction.causeOf(thrown, "");
        } catch (IllegalAccessException refused) {
            throw new JsonException(refused.getMessage(), null, refused);
        }
    }
}
