package lambdad.runtime.json;

import java.io.IOException;

/** Writes values of one type. Null only where it is said. */
interface Encoder {
    void write(Object value, Generator out) throws IOException;
}
