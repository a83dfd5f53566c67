package lambdad.runtime;

import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/** A function sees its own frames, and nothing of what called it. */
final class StackTraces {
    private static final String OURS = "lambdad.runtime.";

    private StackTraces() {}

    /** Of it, its causes and what is suppressed; the same throwable, for convenience. */
    static <T extends Throwable> T leaveOutOurs(T thrown) {
        leaveOutOurs(thrown, Collections.newSetFromMap(new IdentityHashMap<>()));
        return thrown;
    }

    private static void leaveOutOurs(Throwable thrown, Set<Throwable> seen) {
        if (thrown == null || !seen.add(thrown)) {
            return;
        }
        StackTraceElement[] frames = thrown.getStackTrace();
        for (int i = 0; i < frames.length; i++) {
            if (frames[i].getClassName().startsWith(OURS)) {
                thrown.setStackTrace(Arrays.copyOf(frames, i));
                break;
            }
        }
        leaveOutOurs(thrown.getCause(), seen);
        for (Throwable suppressed : thrown.getSuppressed()) {
            leaveOutOurs(suppressed, seen);
        }
    }
}
