package functions;

/** Cannot be loaded where its parent is not in the package. */
public class Orphan extends Parent {
    public static String handle(String event) {
        return event;
    }
}
