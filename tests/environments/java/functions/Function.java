package functions;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import com.amazonaws.services.lambda.runtime.LambdaRuntimeInternal;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.logging.log4j.ThreadContext;

/** Does what its event says, and tells what it sees. */
public class Function implements RequestHandler<Map<String, Object>, Object> {
    private static int count;

    @Override
    public Object handleRequest(Map<String, Object> event, Context context) {
        String what = String.valueOf(event.get("do"));
        switch (what) {
            case "count":
                return ++count;
            case "see":
                return seen(context);
            case "log":
                return log(context);
            case "fail":
                throw new IllegalStateException("oh n\u00f6", new RuntimeException("why"));
            case "exit":
                System.exit(3);
                return null;
            case "recurse":
                return recurse(0);
            case "fill":
                List<byte[]> kept = new ArrayList<>();
                while (true) {
                    kept.add(new byte[1 << 20]);
                }
            case "large":
                return new String(new char[7 << 20]).replace('\0', 'x');
            case "interrupt":
                Thread.currentThread().interrupt();
                return "interrupted";
            case "log4j":
                LambdaRuntimeInternal.setUseLog4jAppender(true);
                return ThreadContext.get("AWSRequestId");
            case "library":
                return library();
            default:
                return event;
        }
    }

    private static int recurse(int depth) {
        return recurse(depth + 1) + 1;
    }

    private static Object log(Context context) {
        System.out.println("printed \u00fc");
        System.err.println("to stderr");
        context.getLogger().log("two\nlines\n");
        context.getLogger().log("a debug", LogLevel.DEBUG);
        context.getLogger().log("an error", LogLevel.ERROR);
        LambdaRuntime.getLogger().log("bytes\n".getBytes());
        return null;
    }

    private static Object seen(Context context) {
        Map<String, Object> seen = new LinkedHashMap<>();
        seen.put("function", context.getFunctionName());
        seen.put("version", context.getFunctionVersion());
        seen.put("arn", context.getInvokedFunctionArn());
        seen.put("request", context.getAwsRequestId());
        seen.put("left", context.getRemainingTimeInMillis());
        seen.put("memory", context.getMemoryLimitInMB());
        seen.put("group", context.getLogGroupName());
        seen.put("stream", context.getLogStreamName());
        seen.put("trace", context.getXrayTraceId());
        seen.put("traceProperty", System.getProperty("com.amazonaws.xray.traceHeader"));
        seen.put("identity", context.getIdentity());
        ClientContext client = context.getClientContext();
        if (client != null) {
            seen.put("client", client.getClient().getAppTitle());
            seen.put("custom", client.getCustom());
            seen.put("environment", client.getEnvironment());
        }
        seen.put("variables", System.getenv());
        seen.put("java", System.getProperty("java.specification.version"));
        seen.put("home", System.getProperty("java.home"));
        seen.put("directory", System.getProperty("user.dir"));
        seen.put("charset", Charset.defaultCharset().name());
        seen.put("files", new File("fil\u00e9.txt").exists());
        seen.put("heap", Runtime.getRuntime().maxMemory());
        seen.put("property", System.getProperty("of.the.function"));
        seen.put("agent", System.getProperty("of.the.agent"));
        seen.put("archive", maps().contains("runtime.jsa"));
        seen.put("crac", System.getProperty("org.crac.Core.Compat"));
        return seen;
    }

    private static String maps() {
        try {
            return new String(Files.readAllBytes(Paths.get("/proc/self/maps")), Charset.forName("UTF-8"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** From jars of the package and of layers, by the class loader that libraries use. */
    private static Object library() {
        List<String> found = new ArrayList<>();
        for (String name : new String[] {"in-package.txt", "in-layer.txt", "in-both.txt"}) {
            URL resource = Thread.currentThread().getContextClassLoader().getResource(name);
            found.add(resource == null ? null : resource.getPath().replaceAll("!.*", "").replaceAll(".*/", ""));
        }
        return found;
    }
}
