package lambdad.runtime;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The function's classes: its package, the jars in its `lib`, those of layers in `java/lib`, in this order.
 *
 * <p>Its parent has the runtime's own: a package that brings aws-lambda-java-core has ours all the same, as on AWS.
 */
final class FunctionClassLoader extends URLClassLoader {
    FunctionClassLoader(String taskRoot) {
        super(places(taskRoot), ClassLoader.getSystemClassLoader());
    }

    private static URL[] places(String taskRoot) {
        // Where there is no /var/task there is no /opt either: both are beside each other then.
        File layers = "/var/task".equals(taskRoot) ? new File("/opt") : new File(new File(taskRoot).getParentFile(), "opt");
        List<URL> places = new ArrayList<>();
        places.add(urlOf(taskRoot + "/"));
        addJars(new File(taskRoot, "lib"), places);
        addJars(new File(layers, "java/lib"), places);
        return places.toArray(new URL[0]);
    }

    private static void addJars(File directory, List<URL> places) {
        String[] names = directory.list((parent, name) -> name.endsWith(".jar"));
        if (names != null) {
            Arrays.sort(names);
            for (String name : names) {
                places.add(urlOf(directory.getPath() + "/" + name));
            }
        }
    }

    private static URL urlOf(String path) {
        try {
            return new URL("file", null, -1, path.replace("%", "%25"));
        } catch (MalformedURLException e) {
            throw new IllegalStateException(e);
        }
    }
}
