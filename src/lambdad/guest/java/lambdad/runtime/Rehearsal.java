package lambdad.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Enumeration;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * A function's whole life in a process of its own, once for each JDK: what is loaded at its end is in the archive that
 * every later process starts with.
 */
final class Rehearsal {
    private static final String EVENT = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: rehearsal\r\n"
            + "Lambda-Runtime-Deadline-Ms: 0\r\nLambda-Runtime-Trace-Id: Root=1\r\nContent-Length: ";
    private static final String ACCEPTED = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

    private Rehearsal() {}

    /** The directory of the function, and its handler. */
    public static void main(String[] arguments) throws IOException, ClassNotFoundException {
        loadAll(System.getProperty("java.class.path"));
        ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"));
        Thread platform = new Thread(() -> play(listener));
        platform.setDaemon(true);
        platform.start();
        Main.run("127.0.0.1:" + listener.getLocalPort(), arguments[0], arguments[1]);
    }

    private static void loadAll(String jar) throws IOException, ClassNotFoundException {
        try (JarFile file = new JarFile(jar)) {
            for (Enumeration<JarEntry> entries = file.entries(); entries.hasMoreElements(); ) {
                String name = entries.nextElement().getName();
                if (name.endsWith(".class")) {
                    Class.forName(name.substring(0, name.length() - 6).replace('/', '.'));
                }
            }
        }
    }

    /** The platform's side: everything it will ever say is said at once, and then it closes. */
    private static void play(ServerSocket listener) {
        try (Socket socket = listener.accept()) {
            String script = event("{\"a\": [1, 2.5, \"text\", true, null]}") + ACCEPTED + event("{\"fail\": {}}") + ACCEPTED;
            socket.getOutputStream().write(script.getBytes(StandardCharsets.US_ASCII));
            socket.shutdownOutput();
            byte[] ignored = new byte[4096];
            while (socket.getInputStream().read(ignored) >= 0) {
                continue;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String event(String json) {
        return EVENT + json.length() + "\r\n\r\n" + json;
    }
}
