package lambdad.runtime;

import java.io.PrintWriter;
import java.io.StringWriter;

/** Why a handler cannot be had, or what an invocation ended with: in AWS's words, as it is told and logged. */
final class Fault extends RuntimeException {
    /** The error type of a function that cannot be run as it is. */
    static final String BAD_CODE = "Runtime.BadFunctionCode";

    private static final long serialVersionUID = 1L;

    /** The class of what was thrown; null where nothing was. */
    final String type;
    private final String trace;
    /** It is told at once, as the failure of initialisation, and not to the first invocation. */
    final boolean endsInit;
    final boolean endsProcess;

    private Fault(String message, String type, String trace, boolean endsInit, boolean endsProcess) {
        super(message, null, false, false);
        this.type = type;
        this.trace = trace;
        this.endsInit = endsInit;
        this.endsProcess = endsProcess;
    }

    static Fault of(String message) {
        return new Fault(message, null, null, false, false);
    }

    static Fault of(Throwable thrown) {
        return of(messageOf(thrown), thrown);
    }

    static Fault of(String message, Throwable thrown) {
        return new Fault(message, thrown.getClass().getName(), traceOf(thrown), false, false);
    }

    /** The function's own code ran and threw it, before there was an invocation. */
    static Fault ofInit(String message, Throwable thrown) {
        return new Fault(message, thrown.getClass().getName(), traceOf(thrown), true, true);
    }

    /** Told to the first invocation; and then the process ends. */
    static Fault ofLinking(String message, Throwable thrown) {
        return new Fault(message, thrown.getClass().getName(), traceOf(thrown), false, true);
    }

    static String messageOf(Throwable thrown) {
        String message = thrown.getLocalizedMessage();
        return message == null ? thrown.getClass().getName() : message;
    }

    /** As it stands in the log. */
    String report() {
        return type == null ? getMessage() + "\n" : getMessage() + ": " + type + "\n" + trace + "\n";
    }

    private static String traceOf(Throwable thrown) {
        StackTraces.leaveOutOurs(thrown);
        StringWriter text = new StringWriter();
        thrown.printStackTrace(new PrintWriter(text));
        return text.toString();
    }
}
