package lambdad.runtime.json;

import java.math.BigDecimal;
import java.math.BigInteger;

/**
 * Reads JSON token by token, as leniently as AWS configures Jackson: leading zeros, single quotes, names without quotes, any
 * character escaped, control characters in strings, NaN and infinities; no comments, no trailing commas.
 *
 * Whoever reads a value finds its first token current, and leaves its last one current. Depth and the length of numbers are
 * limited: recursion follows the one, and turning digits into numbers costs their square.
 */
final class Parser {
    private static final int DEEPEST = 1000;
    private static final int LONGEST_NUMBER = 1000;
    private static final String VALUES =
        "(JSON String, Number (or 'NaN'/'+INF'/'-INF'), Array, Object or token 'null', 'true' or 'false')";
    private static final String SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); ";

    private final char[] text;
    private final boolean[] inObject = new boolean[DEEPEST + 1];
    private final int[] opened = new int[DEEPEST + 1];
    private int at;
    private int depth;
    private Token token;
    private int start;
    private int end;
    private String string;

    Parser(byte[] json) {
        text = Utf8.decode(json);
    }

    Token token() {
        return token;
    }

    /** The text of the current name, string or number. */
    String string() {
        if (string == null) string = new String(text, start, end - start);
        return string;
    }

    /** The next token; after the first value, and whatever follows it, END. */
    Token next() {
        string = null;
        if (token == Token.NAME) return token = value();
        skipSpace();
        if (depth == 0) return token = token == null && at < text.length ? value() : Token.END;
        boolean first = token == Token.OBJECT || token == Token.ARRAY;
        boolean named = inObject[depth];
        if (at < text.length && text[at] == (named ? '}' : ']')) {
            start = at++;
            depth--;
            return token = named ? Token.END_OBJECT : Token.END_ARRAY;
        }
        String around = named ? "Object" : "Array";
        if (at >= text.length) {
            String begun = " (start marker at " + location(opened[depth]) + ")";
            throw errorAt(at, "Unexpected end-of-input: expected close marker for " + around + begun);
        }
        if (!first) expect(',', "was expecting comma to separate ", around, " entries");
        return token = named ? name() : value();
    }

    /** Passes over the children of the current object or array, if it is one. */
    void skip() {
        if (token != Token.OBJECT && token != Token.ARRAY) return;
        for (int around = depth - 1; depth > around; ) next();
    }

    /** The number: in the smallest of Integer, Long and BigInteger that holds it, or a Double. */
    Number number() {
        if (token == Token.DECIMAL) return real();
        if (end - start <= 18) {
            long whole = Long.parseLong(string());
            if (whole == (int) whole) return (int) whole;
            return whole;
        }
        BigInteger whole = new BigInteger(string());
        if (whole.bitLength() < 64) return whole.longValue();
        return whole;
    }

    double real() {
        return Numbers.real(string());
    }

    BigDecimal decimal() {
        return new BigDecimal(string());
    }

    /** The error of a type that cannot be made of the current token. */
    JsonException mismatch(String type) {
        return error("Cannot deserialize value of type `" + type + "` from " + token.described);
    }

    /** An error about the current token. */
    JsonException error(String problem) {
        return error(problem, null);
    }

    JsonException error(String problem, Throwable cause) {
        return new JsonException(problem, location(), cause);
    }

    private JsonException errorAt(int place, String problem) {
        return new JsonException(problem, location(place), null);
    }

    /** Where the current token begins, as Jackson says it. */
    String location() {
        return location(start);
    }

    private String location(int place) {
        int line = 1;
        int column = 1;
        for (int i = 0; i < place && i < text.length; i++) {
            column++;
            if (text[i] == '\n') {
                line++;
                column = 1;
            }
        }
        return SOURCE + "line: " + line + ", column: " + column + "]";
    }

    private JsonException unexpected(String expectation) {
        if (at >= text.length) return errorAt(at, "Unexpected end-of-input: " + expectation);
        char found = text[at];
        String shown = found < ' ' ? "CTRL-CHAR, code " + (int) found : "'" + found + "' (code " + (int) found + ")";
        return errorAt(at, "Unexpected character (" + shown + "): " + expectation);
    }

    private void expect(char wanted, String... expectation) {
        if (at >= text.length || text[at] != wanted) throw unexpected(String.join("", expectation));
        at++;
        skipSpace();
    }

    private void skipSpace() {
        while (at < text.length && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) at++;
    }

    private Token name() {
        if (at >= text.length) throw unexpected("expected a field name or the close of an Object");
        char quote = text[at];
        start = at;
        if (quote == '"' || quote == '\'') readString(quote);
        else readBareName();
        skipSpace();
        expect(':', "was expecting a colon to separate field name and value");
        return Token.NAME;
    }

    private void readBareName() {
        if (!isNamePart(text[at]) || Character.isDigit(text[at])) {
            throw unexpected("was expecting either valid name character (for unquoted name) "
                + "or double-quote (for quoted) to start field name");
        }
        while (at < text.length && isNamePart(text[at])) at++;
        end = at;
    }

    private static boolean isNamePart(char c) {
        return Character.isJavaIdentifierPart(c) || "@#*-+".indexOf(c) >= 0;
    }

    private Token value() {
        if (at >= text.length) throw unexpected("expected a value");
        start = at;
        char first = text[at];
        switch (first) {
            case '{':
                return open(true);
            case '[':
                return open(false);
            case '"':
            case '\'':
                readString(first);
                return Token.STRING;
            case 't':
                return word("true", Token.TRUE);
            case 'f':
                return word("false", Token.FALSE);
            case 'n':
                return word("null", Token.NULL);
            case 'N':
                return word("NaN", Token.DECIMAL);
            case 'I':
                return infinity("");
            case '+':
                return infinity("+");
            case '-':
                return at + 1 < text.length && text[at + 1] == 'I' ? infinity("-") : readNumber();
            default:
                if (first >= '0' && first <= '9') return readNumber();
                if (Character.isJavaIdentifierStart(first)) throw unrecognized();
                throw unexpected("expected a valid value " + VALUES);
        }
    }

    private Token open(boolean object) {
        if (depth == DEEPEST) {
            String limit = "(" + DEEPEST + ", from `StreamReadConstraints.getMaxNestingDepth()`)";
            throw errorAt(at, "Document nesting depth (" + (DEEPEST + 1) + ") exceeds the maximum allowed " + limit);
        }
        inObject[++depth] = object;
        opened[depth] = at;
        at++;
        return object ? Token.OBJECT : Token.ARRAY;
    }

    private Token word(String word, Token meaning) {
        if (!isNext(word)) throw unrecognized();
        at += word.length();
        end = at;
        return meaning;
    }

    private Token infinity(String sign) {
        return word(isNext(sign + "INF") ? sign + "INF" : sign + "Infinity", Token.DECIMAL);
    }

    private boolean isNext(String word) {
        int after = at + word.length();
        if (after > text.length || !word.contentEquals(new String(text, at, word.length()))) return false;
        return after == text.length || !Character.isJavaIdentifierPart(text[after]);
    }

    private JsonException unrecognized() {
        int after = at;
        while (after < text.length && after < at + 256 && Character.isJavaIdentifierPart(text[after])) after++;
        String found = new String(text, at, Math.max(after - at, 1));
        return errorAt(at, "Unrecognized token '" + found + "': was expecting " + VALUES);
    }

    private Token readNumber() {
        boolean negative = text[at] == '-';
        if (negative) at++;
        int digits = at;
        passDigits("No digit following minus sign");
        while (digits < at - 1 && text[digits] == '0') digits++;
        if (negative) text[--digits] = '-'; // what is dropped was a sign or a zero
        start = digits;
        boolean whole = true;
        if (at < text.length && text[at] == '.') {
            at++;
            passDigits("Decimal point not followed by a digit");
            whole = false;
        }
        if (at < text.length && (text[at] | 0x20) == 'e') {
            at++;
            if (at < text.length && (text[at] == '+' || text[at] == '-')) at++;
            passDigits("Exponent indicator not followed by a digit");
            whole = false;
        }
        end = at;
        if (depth == 0 && at < text.length && " \t\r\n".indexOf(text[at]) < 0) {
            throw unexpected("Expected space separating root-level values");
        }
        if (end - start > LONGEST_NUMBER) {
            String limit = "(" + LONGEST_NUMBER + ", from `StreamReadConstraints.getMaxNumberLength()`)";
            throw error("Number value length (" + (end - start) + ") exceeds the maximum allowed " + limit);
        }
        return whole ? Token.INTEGER : Token.DECIMAL;
    }

    private void passDigits(String without) {
        int before = at;
        while (at < text.length && text[at] >= '0' && text[at] <= '9') at++;
        if (at == before) throw unexpected(without);
    }

    private void readString(char quote) {
        int from = ++at;
        while (at < text.length && text[at] != quote && text[at] != '\\') at++;
        if (at < text.length && text[at] == quote) {
            string = new String(text, from, at++ - from);
            return;
        }
        StringBuilder read = new StringBuilder().append(text, from, at - from);
        while (at < text.length && text[at] != quote) {
            char next = text[at++];
            read.append(next == '\\' ? escaped() : next);
        }
        if (at >= text.length) throw unexpected("was expecting closing quote for a string value");
        at++;
        string = read.toString();
    }

    private char escaped() {
        if (at >= text.length) throw unexpected("in character escape sequence");
        char letter = text[at++];
        switch (letter) {
            case 'b':
                return '\b';
            case 't':
                return '\t';
            case 'n':
                return '\n';
            case 'f':
                return '\f';
            case 'r':
                return '\r';
            case 'u':
                return unicode();
            default:
                return letter;
        }
    }

    private char unicode() {
        int code = 0;
        for (int i = 0; i < 4; i++, at++) {
            int digit = at < text.length && text[at] < 128 ? Character.digit(text[at], 16) : -1;
            if (digit < 0) throw unexpected("expected a hex-digit for character escape sequence");
            code = code << 4 | digit;
        }
        return (char) code;
    }
}
