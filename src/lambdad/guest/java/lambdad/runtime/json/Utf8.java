package lambdad.runtime.json;

import java.util.Arrays;

/** UTF-8 into characters, as leniently as Jackson: what looks like an encoded surrogate is one. */
final class Utf8 {
    private final byte[] bytes;
    private int at;

    private Utf8(byte[] bytes) {
        this.bytes = bytes;
    }

    static char[] decode(byte[] bytes) {
        return new Utf8(bytes).decode();
    }

    private char[] decode() {
        char[] text = new char[bytes.length]; // never more characters than bytes
        int length = 0;
        if (bytes.length >= 3 && bytes[0] == (byte) 0xEF && bytes[1] == (byte) 0xBB && bytes[2] == (byte) 0xBF) at = 3;
        while (at < bytes.length) {
            int first = bytes[at++];
            if (first >= 0) {
                text[length++] = (char) first;
            } else if ((first & 0xE0) == 0xC0) {
                text[length++] = (char) ((first & 0x1F) << 6 | continuation());
            } else if ((first & 0xF0) == 0xE0) {
                text[length++] = (char) ((first & 0x0F) << 12 | continuation() << 6 | continuation());
            } else if ((first & 0xF8) == 0xF0) {
                int beyond = ((first & 0x07) << 18 | continuation() << 12 | continuation() << 6 | continuation()) - 0x10000;
                text[length++] = (char) (0xD800 | (beyond >> 10) & 0x3FF);
                text[length++] = (char) (0xDC00 | beyond & 0x3FF);
            } else {
                throw new JsonException("Invalid UTF-8 start byte 0x" + Integer.toHexString(first & 0xFF));
            }
        }
        return Arrays.copyOf(text, length);
    }

    private int continuation() {
        if (at == bytes.length) throw new JsonException("Unexpected end-of-input in a UTF-8 character");
        int next = bytes[at++];
        if ((next & 0xC0) != 0x80) throw new JsonException("Invalid UTF-8 middle byte 0x" + Integer.toHexString(next & 0xFF));
        return next & 0x3F;
    }
}
