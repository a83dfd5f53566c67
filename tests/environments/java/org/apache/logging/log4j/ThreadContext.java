package org.apache.logging.log4j;

import java.util.HashMap;
import java.util.Map;

/** As much of log4j as the runtime touches. */
public final class ThreadContext {
    private static final Map<String, String> VALUES = new HashMap<>();

    private ThreadContext() {}

    public static void put(String key, String value) {
        VALUES.put(key, value);
    }

    public static String get(String key) {
        return VALUES.get(key);
    }
}
