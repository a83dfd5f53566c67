package lambdad.runtime;

import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.logging.LogFormat;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;
import lambdad.runtime.json.Json;

/**
 * The function's log: text or JSON, from a level upwards.
 *
 * <p>A message goes to the platform as one frame where there is a descriptor for it (type, length, microseconds, text; all
 * big-endian), so that its lines stay together; else as it is to stdout.
 * AWS: docs.aws.amazon.com/lambda/latest/dg/java-logging.html
 */
public final class Log implements LambdaLogger {
    private static final int FRAME = 0xa55a0000;
    private static final int HAS_TIME = 2;
    private static final int FRAME_HEAD = 16;

    private final LogFormat format;
    private final LogLevel least;
    private final OutputStream frames;
    private volatile InvocationContext context;
    private DateTimeFormatter times;

    private Log(LogFormat format, LogLevel least, OutputStream frames) {
        this.format = format;
        this.least = least;
        this.frames = frames;
    }

    /** As the platform's variables want it. */
    public static Log ofEnvironment() {
        String format = System.getenv("AWS_LAMBDA_LOG_FORMAT");
        String level = System.getenv("AWS_LAMBDA_LOG_LEVEL");
        return new Log(
                format == null ? LogFormat.TEXT : LogFormat.fromString(format),
                level == null ? LogLevel.UNDEFINED : LogLevel.fromString(level),
                frames(System.getenv("_LAMBDA_TELEMETRY_LOG_FD")));
    }

    private static OutputStream frames(String descriptor) {
        if ("1".equals(descriptor)) {
            return new FileOutputStream(FileDescriptor.out);
        }
        return "2".equals(descriptor) ? new FileOutputStream(FileDescriptor.err) : null;
    }

    /** Messages from now on are of this invocation. */
    void belongsTo(InvocationContext context) {
        this.context = context;
    }

    void logFault(Fault fault) {
        log(fault.report(), format == LogFormat.JSON ? LogLevel.ERROR : LogLevel.UNDEFINED);
    }

    @Override
    public void log(String message) {
        log(message, LogLevel.UNDEFINED);
    }

    @Override
    public void log(byte[] message) {
        log(message, LogLevel.UNDEFINED);
    }

    @Override
    public void log(String message, LogLevel level) {
        if (isWanted(level)) {
            write(format == LogFormat.JSON ? asJson(message, level) : asText(message, level), level);
        }
    }

    /** Bytes are written as they are, whatever the format. */
    @Override
    public void log(byte[] message, LogLevel level) {
        if (isWanted(level)) {
            write(message == null ? asText(null, LogLevel.UNDEFINED) : message, level);
        }
    }

    private boolean isWanted(LogLevel level) {
        return level == LogLevel.UNDEFINED || level.compareTo(least) >= 0;
    }

    private static byte[] asText(String message, LogLevel level) {
        String text = level == LogLevel.UNDEFINED ? String.valueOf(message) : "[" + level + "] " + message;
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private synchronized byte[] asJson(String message, LogLevel level) {
        if (times == null) { // its class takes time to load, and few need it
            times = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("timestamp", times.format(Instant.now()));
        line.put("message", String.valueOf(message));
        line.put("level", level.name());
        InvocationContext current = context;
        if (current != null) {
            line.put("AWSRequestId", current.getAwsRequestId());
            if (current.getTenantId() != null) {
                line.put("tenantId", current.getTenantId());
            }
        }
        Output output = new Output();
        try {
            Json.write(line, Map.class, output);
        } catch (IOException e) {
            throw new IllegalStateException(e); // it goes to memory
        }
        output.write('\n');
        return output.toByteArray();
    }

    private void write(byte[] message, LogLevel level) {
        if (frames == null) {
            System.out.write(message, 0, message.length);
            return;
        }
        Instant now = Instant.now();
        ByteBuffer frame = ByteBuffer.allocate(FRAME_HEAD + message.length);
        frame.putInt(FRAME | level.ordinal() << 2 | HAS_TIME | format.ordinal());
        frame.putInt(message.length);
        frame.putLong(now.getEpochSecond() * 1_000_000 + now.getNano() / 1000);
        frame.put(message);
        synchronized (frames) {
            try {
                frames.write(frame.array());
            } catch (IOException e) {
                e.printStackTrace();
            }
        }
    }
}
