package lambdad.runtime;

import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOError;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UnsupportedEncodingException;
import java.security.Security;
import java.util.Properties;

/**
 * The Java runtime process: loads the handler, then serves it.
 *
 * <p>Its heap follows the function's memory, so it is executed when its function is known, and never before. Which faults
 * end initialisation, which are told to the first invocation, and which end the process, is as with AWS's own client.
 * AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-java.html
 */
final class Main {
    private static final String TRACE_HEADER = "com.amazonaws.xray.traceHeader";
    private static final String NEGATIVE_TTL = "networkaddress.cache.negative.ttl";
    private static final String OUR_SECURITY = System.getenv("LAMBDA_RUNTIME_DIR") + "/lib/security.properties";
    private static final int SNAPSHOT_FAILED = 64;

    private Main() {}

    public static void main(String[] arguments) {
        run(System.getenv("AWS_LAMBDA_RUNTIME_API"), System.getenv("LAMBDA_TASK_ROOT"), arguments[0]);
    }

    static void run(String address, String taskRoot, String handlerName) {
        System.setOut(printer(FileDescriptor.out));
        System.setErr(printer(FileDescriptor.err));
        rememberMissingNamesShortly();
        Log log = (Log) LambdaRuntime.getLogger();
        RuntimeApi api = new RuntimeApi(address);
        FunctionClassLoader loader = new FunctionClassLoader(taskRoot);
        Thread.currentThread().setContextClassLoader(loader);
        Handler handler = loaded(handlerName, loader, log, api);
        if ("snap-start".equals(System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"))) {
            passSnapshot(log, api);
        }
        serve(handler, log, api, new Log4jContext(loader));
        System.exit(0);
    }

    /** Writes at once, and UTF-8 whatever the locale. */
    private static PrintStream printer(FileDescriptor descriptor) {
        try {
            return new PrintStream(new FileOutputStream(descriptor), false, "UTF-8");
        } catch (UnsupportedEncodingException e) {
            throw new IllegalStateException(e); // every JVM has it
        }
    }

    /**
     * As AWS has it: a name that could not be resolved is asked for again after a second. The runtime's own file of
     * properties says so already; only where there is another is it set here, since that takes long.
     */
    private static void rememberMissingNamesShortly() {
        String seconds = System.getenv("AWS_LAMBDA_JAVA_NETWORKADDRESS_CACHE_NEGATIVE_TTL");
        String file = System.getProperty("java.security.properties");
        if (seconds != null || (!OUR_SECURITY.equals(file) && !isSaid(file))) {
            Security.setProperty(NEGATIVE_TTL, seconds == null ? "1" : seconds);
        }
    }

    private static boolean isSaid(String file) {
        Properties properties = new Properties();
        if (file != null) {
            try (InputStream stream = new FileInputStream(file)) {
                properties.load(stream);
            } catch (IOException e) {
                return false; // the JVM does not read it either
            }
        }
        return properties.containsKey(NEGATIVE_TTL);
    }

    private static Handler loaded(String name, FunctionClassLoader loader, Log log, RuntimeApi api) {
        try {
            return HandlerLoader.load(name, loader);
        } catch (Fault fault) {
            if (!fault.endsInit) {
                return (event, context, output) -> {
                    throw fault;
                };
            }
            log.logFault(fault);
            api.postInitError(ErrorDocument.of(fault), Fault.BAD_CODE);
            System.exit(1);
            throw fault;
        }
    }

    /** Hooks before the snapshot, the snapshot, hooks after: here it is taken, and here every environment comes to itself. */
    private static void passSnapshot(Log log, RuntimeApi api) {
        try {
            Core.getGlobalContext().beforeCheckpoint(null);
            System.gc();
        } catch (Exception e) {
            log.logFault(Fault.of(e));
            api.postInitError(ErrorDocument.of(e), "Runtime.BeforeCheckpointError");
            System.exit(SNAPSHOT_FAILED);
        }
        api.restoreNext();
        try {
            Core.getGlobalContext().afterRestore(null);
        } catch (Exception e) {
            log.logFault(Fault.of(e));
            api.postRestoreError(ErrorDocument.of(e), "Runtime.AfterRestoreError");
            System.exit(SNAPSHOT_FAILED);
        }
    }

    /** Until a fault after which nothing of the function can be trusted to work. */
    private static void serve(Handler handler, Log log, RuntimeApi api, Log4jContext log4j) {
        boolean over = false;
        while (!over) {
            Invocation invocation = api.next();
            if (invocation.traceId != null) {
                System.setProperty(TRACE_HEADER, invocation.traceId);
            } else {
                System.clearProperty(TRACE_HEADER);
            }
            Output output = new Output();
            try {
                InvocationContext context = new InvocationContext(invocation);
                log.belongsTo(context);
                log4j.belongsTo(context);
                handler.handle(invocation.event, context, output);
                Thread.interrupted(); // what the function leaves behind must not stop us
                api.postResponse(invocation.requestId, output);
            } catch (Fault fault) {
                over = fault.endsProcess;
                log.logFault(fault);
                api.postError(invocation.requestId, ErrorDocument.of(fault), Fault.BAD_CODE, null, over);
            } catch (Throwable thrown) {
                over = thrown instanceof VirtualMachineError || thrown instanceof IOError;
                log.logFault(Fault.of(thrown));
                byte[] document = ErrorDocument.of(thrown);
                String cause = ErrorDocument.xrayCause(thrown);
                api.postError(invocation.requestId, document, "Runtime.UserException", cause, over);
            }
        }
    }
}
