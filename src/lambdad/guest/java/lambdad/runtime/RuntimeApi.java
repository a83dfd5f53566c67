package lambdad.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The Runtime API over one kept connection and hand-made HTTP/1.1.
 *
 * <p>A result and the request for the next event leave in one write, since nothing is decided between them; the
 * acknowledgement and the event are read in order. The wait for an event has no limit: the platform freezes and ends
 * environments, the runtime never does. AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
final class RuntimeApi {
    private static final String ROOT = "/2018-06-01/runtime";
    private static final int ACCEPTED = 202;
    /** The platform has reported the result as Function.ResponseSizeTooLarge: the runtime goes on. */
    private static final int TOO_LARGE = 413;
    /** Bytes up to which a result is sent together with its head. */
    private static final int TOGETHER = 65536;
    private static final int MOST_HEAD = 1 << 20;

    private final String address;
    private final byte[] next;
    private OutputStream toPlatform;
    private InputStream fromPlatform;
    private byte[] buffer = new byte[16384];
    private int start;
    private int end;
    /** A result is on its way and the request for the next event behind it. */
    private boolean asked;

    private int status;
    private byte[] body;

    RuntimeApi(String address) {
        this.address = address;
        next = ascii("GET " + ROOT + "/invocation/next HTTP/1.1\r\nHost: " + address + "\r\n\r\n");
    }

    Invocation next() {
        if (asked) {
            acknowledged();
        } else {
            send(next, null);
        }
        Map<String, String> headers = receive();
        if (status != 200) {
            throw refused("the request for an event");
        }
        return new Invocation(headers, body);
    }

    void postResponse(String requestId, Output result) {
        Output head = head("/invocation/" + requestId + "/response", result.size(), "");
        if (result.size() <= TOGETHER) {
            result.appendTo(head);
            head.write(next, 0, next.length);
            send(head, null);
        } else {
            send(head, result);
            send(next, null);
        }
        asked = true;
    }

    /** `cause`: what X-Ray is told of it, or null. `last`: the process ends with it. */
    void postError(String requestId, byte[] document, String type, String cause, boolean last) {
        String more = cause == null ? "" : "Lambda-Runtime-Function-XRay-Error-Cause: " + cause + "\r\n";
        Output message = error("/invocation/" + requestId + "/error", document, type, more);
        if (last) {
            send(message, null);
            acknowledged();
        } else {
            message.write(next, 0, next.length);
            send(message, null);
            asked = true;
        }
    }

    /** The function cannot start: returns when the platform knows. */
    void postInitError(byte[] document, String type) {
        send(error("/init/error", document, type, ""), null);
        acknowledged();
    }

    void postRestoreError(byte[] document, String type) {
        send(error("/restore/error", document, type, ""), null);
        acknowledged();
    }

    /** Says that initialisation is over; returns in each environment that goes on from here. */
    void restoreNext() {
        send(ascii("GET " + ROOT + "/restore/next HTTP/1.1\r\nHost: " + address + "\r\n\r\n"), null);
        receive();
        if (status != 200) {
            throw refused("to restore");
        }
    }

    // --- Sending --------------------------------------------------------------------------------------------------

    private Output error(String path, byte[] document, String type, String more) {
        Output message = head(path, document.length, "Lambda-Runtime-Function-Error-Type: " + type + "\r\n" + more);
        message.write(document, 0, document.length);
        return message;
    }

    private Output head(String path, int length, String more) {
        byte[] text = ascii("POST " + ROOT + path + " HTTP/1.1\r\nHost: " + address
                + "\r\nContent-Type: application/json\r\n" + more + "Content-Length: " + length + "\r\n\r\n");
        Output head = new Output();
        head.write(text, 0, text.length);
        return head;
    }

    private void send(byte[] message, Output more) {
        Output output = new Output();
        output.write(message, 0, message.length);
        send(output, more);
    }

    private void send(Output message, Output more) {
        try {
            connect();
            message.sendTo(toPlatform);
            if (more != null) {
                more.sendTo(toPlatform);
            }
        } catch (IOException e) {
            throw shutDown();
        }
    }

    private void connect() throws IOException {
        if (toPlatform != null) {
            return;
        }
        int colon = address.lastIndexOf(':');
        Socket socket = new Socket(Proxy.NO_PROXY);
        socket.connect(new InetSocketAddress(
                address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))));
        socket.setTcpNoDelay(true);
        toPlatform = socket.getOutputStream();
        fromPlatform = socket.getInputStream();
    }

    // --- Receiving ------------------------------------------------------------------------------------------------

    private void acknowledged() {
        asked = false;
        receive();
        if (status != ACCEPTED && status != TOO_LARGE) {
            throw refused("a result");
        }
    }

    /** One response: its status and body are kept, its headers returned. */
    private Map<String, String> receive() {
        try {
            int stop = endOfHead();
            String head = new String(buffer, start, stop + 2 - start, StandardCharsets.UTF_8);
            start = stop + 4;
            status = Integer.parseInt(head.substring(9, 12));
            Map<String, String> headers = new HashMap<>();
            int line = head.indexOf('\n') + 1;
            while (line < head.length()) {
                int colon = head.indexOf(':', line);
                int after = head.indexOf('\r', colon);
                headers.put(head.substring(line, colon).toLowerCase(Locale.ROOT), head.substring(colon + 1, after).trim());
                line = after + 2;
            }
            body = take(Integer.parseInt(headers.getOrDefault("content-length", "0")));
            return headers;
        } catch (IOException e) {
            throw shutDown();
        }
    }

    private int endOfHead() throws IOException {
        int looked = start;
        while (true) {
            for (; looked + 4 <= end; looked++) {
                if (buffer[looked] == '\r' && buffer[looked + 2] == '\r' && buffer[looked + 3] == '\n') {
                    return looked;
                }
            }
            looked -= fill();
        }
    }

    /** More into the buffer; by how much what was there has moved to the front. */
    private int fill() throws IOException {
        int moved = start;
        int kept = end - start;
        if (kept == MOST_HEAD) {
            throw new IllegalStateException("The Runtime API sent more than 1 MiB of headers");
        }
        byte[] place = kept == buffer.length ? new byte[2 * kept] : buffer;
        System.arraycopy(buffer, start, place, 0, kept);
        buffer = place;
        start = 0;
        end = kept + received(buffer, kept, buffer.length - kept);
        return moved;
    }

    private byte[] take(int length) throws IOException {
        int here = Math.min(end - start, length);
        byte[] taken = new byte[length];
        System.arraycopy(buffer, start, taken, 0, here);
        start += here;
        while (here < length) {
            here += received(taken, here, length - here);
        }
        return taken;
    }

    /** At least one byte. */
    private int received(byte[] place, int from, int most) throws IOException {
        int count = fromPlatform.read(place, from, most);
        if (count < 0) {
            throw shutDown();
        }
        return count;
    }

    // --- Ends -----------------------------------------------------------------------------------------------------

    /** A closed connection means that the environment is being shut down. Never returns. */
    private static IllegalStateException shutDown() {
        System.exit(0);
        return new IllegalStateException();
    }

    /** The runtime cannot go on. Never returns. */
    private IllegalStateException refused(String what) {
        System.err.println("The Runtime API refused " + what + " with status " + status);
        System.exit(1);
        return new IllegalStateException();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
