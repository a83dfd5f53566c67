package lambdad.runtime;

import java.io.IOException;
import java.io.OutputStream;

/** Between JSON and the objects of one type. */
interface Serializer {
    Object read(byte[] json);

    void write(Object value, OutputStream output) throws IOException;
}
