import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import lambdad.runtime.json.Json;
import lambdad.runtime.json.JsonException;

/**
 * Answers one line for each line asked: "read NAME BASE64" reads JSON as the type that Samples.NAME() returns, and writes it
 * again; "write NAME" writes what it returns. What was thrown is told after an exclamation mark.
 */
public final class Answers {
    public static void main(String[] arguments) throws Exception {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, false, "UTF-8");
        for (String question = questions.readLine(); question != null; question = questions.readLine()) {
            answers.println(answer(question.split(" ", -1)));
        }
        answers.flush();
    }

    private static String answer(String[] words) throws Exception {
        Method sample = Samples.class.getMethod(words[1]);
        Type type = sample.getGenericReturnType();
        try {
            Object value = words[0].equals("read") ? Json.read(Base64.getDecoder().decode(words[2]), type) : sample.invoke(null);
            return written(value, type);
        } catch (JsonException wrong) {
            return "! " + wrong.getMessage().replace("\n", " |");
        }
    }

    private static String written(Object value, Type type) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Json.write(value, type, out);
        return out.toString("UTF-8");
    }
}
