package lambdad.runtime.json;

/** Reads values of one type. */
interface Decoder {
    /** Reads the value whose first token is current (never null: see {@link #ofNull}); its last one is current afterwards. */
    Object read(Parser in);

    /** What null means. */
    default Object ofNull() {
        return null;
    }

    /** Reads a value, or null. */
    default Object readAny(Parser in) {
        return in.token() == Token.NULL ? ofNull() : read(in);
    }

    /** What an empty array means, where a single value is wanted. */
    default Object ofEmptyArray(Parser in) {
        return ofNull();
    }

    /** AWS lets arrays of one value stand for it, and empty ones for null. For types that are no arrays themselves. */
    default Object unwrap(Parser in, String type) {
        if (in.next() == Token.END_ARRAY) return ofEmptyArray(in);
        if (in.token() == Token.ARRAY) {
            throw in.error("Cannot deserialize value of type `" + type + "` from deeply-nested Array: "
                + "only single wrapper allowed with `DeserializationFeature.UNWRAP_SINGLE_VALUE_ARRAYS`");
        }
        Object value = readAny(in);
        if (in.next() != Token.END_ARRAY) {
            throw in.error("Unexpected token (" + in.token().jackson() + "), expected END_ARRAY: Attempted to unwrap '" + type
                + "' value from an array (with `DeserializationFeature.UNWRAP_SINGLE_VALUE_ARRAYS`) "
                + "but it contains more than one value");
        }
        return value;
    }
}
