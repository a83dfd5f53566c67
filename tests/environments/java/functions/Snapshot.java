package functions;

import com.amazonaws.services.lambda.crac.Context;
import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.crac.Resource;
import java.util.ArrayList;
import java.util.List;

/** Keeps account of its hooks; by its variables it is told to throw. */
public class Snapshot {
    private static final List<String> HOOKS = new ArrayList<>();
    private static final Resource FIRST = new Told("first");
    private static final Resource SECOND = new Told("second");

    static {
        Core.getGlobalContext().register(FIRST);
        Core.getGlobalContext().register(SECOND);
    }

    public static List<String> handle() {
        return HOOKS;
    }

    private static final class Told implements Resource {
        private final String name;

        Told(String name) {
            this.name = name;
        }

        @Override
        public void beforeCheckpoint(Context<? extends Resource> context) throws Exception {
            tell("before");
        }

        @Override
        public void afterRestore(Context<? extends Resource> context) throws Exception {
            tell("after");
        }

        private void tell(String when) {
            HOOKS.add(when + " " + name);
            if (when.equals(System.getenv("THROW"))) {
                throw new IllegalStateException("not today, " + name);
            }
        }
    }
}
