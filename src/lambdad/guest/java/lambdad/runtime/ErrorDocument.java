package lambdad.runtime;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lambdad.runtime.json.Json;

/** What callers and X-Ray are told of an error. AWS: docs.aws.amazon.com/lambda/latest/dg/java-exceptions.html */
final class ErrorDocument {
    /** Characters: a longer X-Ray cause is left out, as AWS leaves out what its header does not hold. */
    private static final int MOST_CAUSE = 16384;

    private ErrorDocument() {}

    static byte[] of(Fault fault) {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("errorMessage", fault.getMessage());
        if (fault.type != null) {
            document.put("errorType", fault.type);
        }
        return bytes(document).toByteArray();
    }

    static byte[] of(Throwable thrown) {
        StackTraces.leaveOutOurs(thrown);
        return bytes(described(thrown, Collections.newSetFromMap(new IdentityHashMap<>()))).toByteArray();
    }

    private static Map<String, Object> described(Throwable thrown, Set<Throwable> seen) {
        seen.add(thrown);
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("errorMessage", Fault.messageOf(thrown));
        document.put("errorType", thrown.getClass().getName());
        List<String> frames = new ArrayList<>();
        for (StackTraceElement frame : thrown.getStackTrace()) {
            frames.add(frame.toString());
        }
        document.put("stackTrace", frames);
        Throwable cause = thrown.getCause();
        if (cause != null && !seen.contains(cause)) {
            document.put("cause", described(cause, seen));
        }
        return document;
    }

    /** The value of a header, or null where it would be too long for one. */
    static String xrayCause(Throwable thrown) {
        List<Object> stack = new ArrayList<>();
        Set<String> paths = new LinkedHashSet<>();
        for (StackTraceElement frame : thrown.getStackTrace()) {
            String name = frame.getClassName();
            String path = frame.getFileName();
            if (path == null) {
                path = name.substring(name.lastIndexOf('.') + 1) + ".java";
            }
            paths.add(path);
            Map<String, Object> element = new LinkedHashMap<>();
            element.put("label", frame.getMethodName());
            element.put("path", path);
            element.put("line", frame.getLineNumber());
            stack.add(element);
        }
        Map<String, Object> exception = new LinkedHashMap<>();
        exception.put("message", thrown.getMessage());
        exception.put("type", thrown.getClass().getName());
        exception.put("stack", stack);
        Map<String, Object> cause = new LinkedHashMap<>();
        cause.put("working_directory", System.getProperty("user.dir"));
        cause.put("exceptions", Collections.singletonList(exception));
        cause.put("paths", new ArrayList<>(paths));
        String text = inAscii(bytes(cause));
        return text.length() <= MOST_CAUSE ? text : null;
    }

    private static Output bytes(Map<String, Object> document) {
        Output output = new Output();
        try {
            Json.write(document, Map.class, output);
        } catch (IOException e) {
            throw new IllegalStateException(e); // it goes to memory
        }
        return output;
    }

    private static String inAscii(Output json) {
        StringBuilder text = new StringBuilder(json.size());
        String given = new String(json.toByteArray(), StandardCharsets.UTF_8);
        for (int i = 0; i < given.length(); i++) {
            char c = given.charAt(i);
            if (c < 0x7f) {
                text.append(c);
            } else {
                text.append(String.format("\\u%04x", (int) c));
            }
        }
        return text.toString();
    }
}
