package lambdad.runtime.json;

import java.io.IOException;
import java.io.OutputStream;

/**
 * Writes JSON as UTF-8, a buffer at a time. Surrogates are escaped, as Jackson does: so lone ones need no care.
 *
 * Depth is limited: a value that contains itself ends with an error instead of the stack's end.
 */
final class Generator {
    private static final int DEEPEST = 1000;
    private static final byte[] HEX = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'};
    private static final int LONGEST_CHARACTER = 6;

    private final OutputStream out;
    private final byte[] buffer = new byte[8192];
    private int used;
    private int depth;
    private boolean separate;

    Generator(OutputStream out) {
        this.out = out;
    }

    void startObject() throws IOException {
        start('{');
    }

    void endObject() throws IOException {
        end('}');
    }

    void startArray() throws IOException {
        start('[');
    }

    void endArray() throws IOException {
        end(']');
    }

    void name(String name) throws IOException {
        string(name);
        put(':');
        separate = false;
    }

    void string(CharSequence text) throws IOException {
        separate();
        put('"');
        for (int i = 0; i < text.length(); i++) character(text.charAt(i));
        put('"');
    }

    /** What is JSON already and ASCII: numbers, true, false, null. */
    void plain(String word) throws IOException {
        separate();
        for (int i = 0; i < word.length(); i++) put(word.charAt(i));
    }

    void nothing() throws IOException {
        plain("null");
    }

    void finish() throws IOException {
        out.write(buffer, 0, used);
        used = 0;
    }

    private void start(char bracket) throws IOException {
        separate();
        if (++depth > DEEPEST) {
            String limit = "(" + DEEPEST + ", from `StreamWriteConstraints.getMaxNestingDepth()`)";
            throw new JsonException("Document nesting depth (" + depth + ") exceeds the maximum allowed " + limit);
        }
        put(bracket);
        separate = false;
    }

    private void end(char bracket) throws IOException {
        depth--;
        put(bracket);
        separate = true;
    }

    private void separate() throws IOException {
        if (separate) put(',');
        separate = true;
    }

    private void character(char c) throws IOException {
        if (used + LONGEST_CHARACTER > buffer.length) finish();
        if (c >= 0x20 && c < 0x80) {
            if (c == '"' || c == '\\') buffer[used++] = '\\';
            buffer[used++] = (byte) c;
        } else if (c < 0x20) {
            control(c);
        } else if (c < 0x800) {
            buffer[used++] = (byte) (0xC0 | c >> 6);
            buffer[used++] = (byte) (0x80 | c & 0x3F);
        } else if (Character.isSurrogate(c)) {
            unicode(c);
        } else {
            buffer[used++] = (byte) (0xE0 | c >> 12);
            buffer[used++] = (byte) (0x80 | c >> 6 & 0x3F);
            buffer[used++] = (byte) (0x80 | c & 0x3F);
        }
    }

    private void control(char c) {
        int place = "\b\t\n\f\r".indexOf(c);
        if (place < 0) {
            unicode(c);
            return;
        }
        buffer[used++] = '\\';
        buffer[used++] = (byte) "btnfr".charAt(place);
    }

    private void unicode(char c) {
        buffer[used++] = '\\';
        buffer[used++] = 'u';
        for (int shift = 12; shift >= 0; shift -= 4) buffer[used++] = HEX[c >> shift & 0xF];
    }

    private void put(char ascii) throws IOException {
        if (used == buffer.length) finish();
        buffer[used++] = (byte) ascii;
    }
}
