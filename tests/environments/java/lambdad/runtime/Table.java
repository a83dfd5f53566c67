package lambdad.runtime;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** Loads and calls handlers, one for each line of stdin (handler, tab, event); a line of stdout says what came of it. */
public final class Table {
    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        FunctionClassLoader loader = new FunctionClassLoader(arguments[0]);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] parts = line.split("\t");
            out.println(outcome(loader, parts[0], parts[1].getBytes(StandardCharsets.UTF_8)));
        }
    }

    private static String outcome(FunctionClassLoader loader, String name, byte[] event) {
        Output output = new Output();
        try {
            Handler handler = HandlerLoader.load(name, loader);
            Map<String, String> headers = new HashMap<>();
            headers.put("lambda-runtime-aws-request-id", "id");
            headers.put("lambda-runtime-deadline-ms", "0");
            headers.put("lambda-runtime-aws-tenant-id", "tenant");
            String identity = "{\"cognitoIdentityId\": \"identity\", \"cognitoIdentityPoolId\": \"pool\"}";
            headers.put("lambda-runtime-cognito-identity", identity);
            handler.handle(event, new InvocationContext(new Invocation(headers, event)), output);
            return "answer\t" + text(output.toByteArray());
        } catch (Fault fault) {
            String when = fault.endsInit ? "init" : fault.endsProcess ? "last" : "fault";
            return when + "\t" + text(ErrorDocument.of(fault));
        } catch (Throwable thrown) {
            return "error\t" + text(ErrorDocument.of(thrown));
        }
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
