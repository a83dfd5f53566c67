package lambdad.runtime.json;

/** What a {@link Parser} stands on. */
enum Token {
    OBJECT("Object value (token `JsonToken.START_OBJECT`)"),
    END_OBJECT("Object value (token `JsonToken.END_OBJECT`)"),
    ARRAY("Array value (token `JsonToken.START_ARRAY`)"),
    END_ARRAY("Array value (token `JsonToken.END_ARRAY`)"),
    NAME("Object value (token `JsonToken.FIELD_NAME`)"),
    STRING("String value (token `JsonToken.VALUE_STRING`)"),
    INTEGER("Integer value (token `JsonToken.VALUE_NUMBER_INT`)"),
    DECIMAL("Floating-point value (token `JsonToken.VALUE_NUMBER_FLOAT`)"),
    TRUE("Boolean value (token `JsonToken.VALUE_TRUE`)"),
    FALSE("Boolean value (token `JsonToken.VALUE_FALSE`)"),
    NULL("Null value (token `JsonToken.VALUE_NULL`)"),
    END("end of input");

    /** How errors speak of it. */
    final String described;

    Token(String described) {
        this.described = described;
    }

    /** Its name in Jackson. */
    String jackson() {
        int from = described.indexOf('.') + 1;
        return described.substring(from, described.length() - 2);
    }
}
