package functions;

/** Runs before the runtime's own main. */
public class Agent {
    public static void premain(String options) {
        System.setProperty("of.the.agent", options);
    }
}
