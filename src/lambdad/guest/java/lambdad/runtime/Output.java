package lambdad.runtime;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** A response as it grows, sent without being copied. */
final class Output extends ByteArrayOutputStream {
    Output() {
        super(1024);
    }

    void sendTo(OutputStream stream) throws IOException {
        stream.write(buf, 0, count);
    }

    void appendTo(Output other) {
        other.write(buf, 0, count);
    }
}
