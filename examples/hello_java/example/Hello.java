package example;

import java.util.LinkedHashMap;
import java.util.Map;

/** Needs nothing but a JDK; with aws-lambda-java-core it could implement RequestHandler. */
public class Hello {
    private int invocations;

    public Map<String, Object> greet(Map<String, Object> event) {
        System.out.println("greeting " + event.get("name"));
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("message", "Hello, " + event.getOrDefault("name", "world") + "!");
        answer.put("invocations", ++invocations);
        return answer;
    }
}
