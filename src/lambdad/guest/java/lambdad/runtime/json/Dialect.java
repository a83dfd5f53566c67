package lambdad.runtime.json;

import java.util.Collections;
import java.util.Map;

/** What is special about a root and all below it: how AWS's event classes call their properties, and what they read otherwise. */
class Dialect {
    static final Dialect PLAIN = new Dialect(Collections.emptyMap(), false);

    private final Map<String, Map<String, String>> renamed;
    private final boolean pascalCase;

    /** By class name: what properties are called in JSON. The rest start with a capital, if asked for. */
    Dialect(Map<String, Map<String, String>> renamed, boolean pascalCase) {
        this.renamed = renamed;
        this.pascalCase = pascalCase;
    }

    /** The explicit name of a class's property; null when there is none. */
    final String explicitName(Class<?> type, String property) {
        for (Class<?> at = type; at != null; at = at.getSuperclass()) {
            String name = renamed.getOrDefault(at.getName(), Collections.emptyMap()).get(property);
            if (name != null) return name;
        }
        return null;
    }

    final String impliedName(String property) {
        if (!pascalCase || property.isEmpty()) return property;
        return Character.toUpperCase(property.charAt(0)) + property.substring(1);
    }

    /** What reads a class in this dialect only; null for most. */
    Decoder decoder(Class<?> type) {
        return null;
    }

    Encoder encoder(Class<?> type) {
        return null;
    }
}
