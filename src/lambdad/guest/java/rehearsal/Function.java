package rehearsal;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.LinkedHashMap;
import java.util.Map;

/** What is rehearsed with (`lambdad/runtime/Rehearsal.java`). It is no part of the runtime: it is loaded like a function. */
public class Function implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    /** An object as functions have them. */
    public static class Answer {
        private String text = "text";
        private int number = 1;

        public String getText() {
            return text;
        }

        public void setText(String text) {
            this.text = text;
        }

        public int getNumber() {
            return number;
        }

        public void setNumber(int number) {
            this.number = number;
        }
    }

    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        System.out.println("printed");
        context.getLogger().log("logged");
        if (event.containsKey("fail")) {
            throw new IllegalStateException("rehearsed");
        }
        Map<String, Object> answer = new LinkedHashMap<>(event);
        answer.put("answer", new Answer());
        answer.put("left", context.getRemainingTimeInMillis());
        return answer;
    }
}
