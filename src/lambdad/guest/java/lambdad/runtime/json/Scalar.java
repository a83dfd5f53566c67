package lambdad.runtime.json;

/** One token; an array of one value stands for it. */
abstract class Scalar implements Decoder {
    final String type;
    private final Object ofNull;

    Scalar(Class<?> type, Object ofNull) {
        this.type = type.getTypeName();
        this.ofNull = ofNull;
    }

    @Override
    public final Object ofNull() {
        return ofNull;
    }

    /** Jackson refuses them for primitives, but for characters. */
    @Override
    public final Object ofEmptyArray(Parser in) {
        if (ofNull != null && !ofNull.equals('\0')) throw mismatch(in);
        return ofNull;
    }

    @Override
    public Object read(Parser in) {
        if (in.token() == Token.ARRAY) return unwrap(in, type);
        if (in.token() != Token.STRING) return ofToken(in);
        String text = in.string().trim();
        return text.isEmpty() ? ofEmptyText() : ofText(text, in);
    }

    Object ofEmptyText() {
        return ofNull;
    }

    abstract Object ofToken(Parser in);

    abstract Object ofText(String text, Parser in);

    final JsonException mismatch(Parser in) {
        return in.mismatch(type);
    }

    final JsonException weird(Parser in, String reason) {
        return in.error("Cannot deserialize value of type `" + type + "` from String \"" + in.string() + "\": " + reason);
    }
}
