package lambdad.runtime.json;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The properties of a class, by Jackson's rules as AWS sets them: public getters and public fields are written; setters of any
 * visibility and public fields are read. Names follow the JavaBeans rule (getURL is "URL"). Private fields only give their
 * properties a place: those stand in the order of the fields, then of the methods, and renamed ones at the end.
 */
final class Bean {
    private final Class<?> type;
    private final boolean record;
    private final Map<String, Property> properties = new LinkedHashMap<>();

    private Bean(Class<?> type) {
        this.type = type;
        record = isRecord(type);
    }

    static Collection<Property> properties(Class<?> type, Dialect dialect) {
        Bean bean = new Bean(type);
        bean.addFields(type);
        Set<Class<?>> ancestors = new LinkedHashSet<>();
        collectAncestors(type, ancestors);
        for (Class<?> ancestor : ancestors) bean.addMethods(ancestor);
        return bean.named(dialect);
    }

    static boolean isRecord(Class<?> type) {
        return type.getSuperclass() != null && type.getSuperclass().getName().equals("java.lang.Record");
    }

    private static void collectAncestors(Class<?> type, Set<Class<?>> into) {
        if (type == null || type == Object.class || !into.add(type)) return;
        collectAncestors(type.getSuperclass(), into);
        for (Class<?> parent : type.getInterfaces()) collectAncestors(parent, into);
    }

    private Property at(String name) {
        return properties.computeIfAbsent(name, Property::new);
    }

    private void addFields(Class<?> from) {
        if (from == null || from == Object.class) return;
        addFields(from.getSuperclass());
        for (Field field : from.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers()) || field.isSynthetic()) continue;
            Property property = at(field.getName());
            property.component = record ? field : null;
            if (Modifier.isPublic(field.getModifiers()) && !Modifier.isTransient(field.getModifiers())) property.field = field;
        }
    }

    private void addMethods(Class<?> from) {
        for (Method method : from.getDeclaredMethods()) {
            if (Modifier.isStatic(method.getModifiers()) || method.isSynthetic()) continue;
            if (method.getParameterCount() == 0) addGetter(method);
            else if (method.getParameterCount() == 1) addSetter(method);
        }
    }

    private void addGetter(Method method) {
        if (!Modifier.isPublic(method.getModifiers()) || method.getReturnType() == void.class) return;
        String name = method.getName();
        Class<?> given = method.getReturnType();
        if (record && properties.containsKey(name)) at(name).addGetter(method, 0);
        else if (name.startsWith("get") && name.length() > 3) at(decapitalized(name, 3)).addGetter(method, 1);
        else if (name.startsWith("is") && name.length() > 2 && (given == boolean.class || given == Boolean.class)) {
            at(decapitalized(name, 2)).addGetter(method, 2);
        }
    }

    private void addSetter(Method method) {
        String name = method.getName();
        if (name.startsWith("set") && name.length() > 3) at(decapitalized(name, 3)).addSetter(method);
    }

    /** The JavaBeans rule: capitals that follow each other stay. */
    private static String decapitalized(String name, int from) {
        char first = name.charAt(from);
        boolean stays = name.length() > from + 1 && Character.isUpperCase(name.charAt(from + 1));
        return stays ? name.substring(from) : Character.toLowerCase(first) + name.substring(from + 1);
    }

    /** As the dialect calls them; what then has one name is one property. */
    private Collection<Property> named(Dialect dialect) {
        Map<String, Property> implied = new LinkedHashMap<>();
        List<Property> explicit = new ArrayList<>();
        for (Property property : properties.values()) {
            if (property.isEmpty()) continue;
            String name = dialect.explicitName(type, property.name);
            if (name != null) {
                explicit.add(property.renamed(name));
                continue;
            }
            Property called = property.renamed(dialect.impliedName(property.name));
            implied.merge(called.name, called, Property::with);
        }
        for (Property property : explicit) implied.merge(property.name, property, Property::with);
        return implied.values();
    }
}
