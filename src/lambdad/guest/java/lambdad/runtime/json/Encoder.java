package lambdad.runtime.json;

import java.io.IOException;

/** Writes values of one type; never null. */
interface Encoder {
    void write(Object value, Generator out) throws IOException;
}
