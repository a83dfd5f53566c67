package lambdad.runtime.json;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The notifications of S3, whose classes have no setters: they are made by their constructors, from the inside out.
 *
 * As on AWS, what is missing is an empty string, 0, or an object of such; the function never meets null here.
 */
final class S3Events {
    private static final String MODEL = "com.amazonaws.services.lambda.runtime.events.models.s3.S3EventNotification";
    static final Set<String> ROOTS = new HashSet<>(Arrays.asList(
        MODEL, "com.amazonaws.services.lambda.runtime.events.S3Event", "com.amazonaws.services.s3.event.S3EventNotification"));

    /** By nested class: what its constructor takes, as named in JSON; with the nested class, where it is one. */
    private static final Map<String, String[]> PARTS = new HashMap<>();

    static {
        part("S3EventNotificationRecord",
            "awsRegion eventName eventSource eventTime eventVersion requestParameters:RequestParametersEntity "
            + "responseElements:ResponseElementsEntity s3:S3Entity userIdentity:UserIdentityEntity");
        part("S3Entity", "configurationId bucket:S3BucketEntity object:S3ObjectEntity s3SchemaVersion");
        part("S3BucketEntity", "name ownerIdentity:UserIdentityEntity arn");
        part("S3ObjectEntity", "key size eTag versionId sequencer");
        part("RequestParametersEntity", "sourceIPAddress");
        part("ResponseElementsEntity", "x-amz-id-2 x-amz-request-id");
        part("UserIdentityEntity", "principalId");
    }

    private S3Events() {
    }

    private static void part(String name, String parameters) {
        PARTS.put(name, parameters.split(" "));
    }

    static final Dialect DIALECT = new Dialect(Collections.emptyMap(), false) {
        @Override
        Decoder decoder(Class<?> type) {
            return new Reader(type);
        }

        @Override
        Encoder encoder(Class<?> type) {
            return S3Events::write;
        }
    };

    private static final class Reader implements Decoder {
        private final Class<?> root;
        private final Class<?> model;
        private final Construction construction;
        private final Map<String, Construction> made = new HashMap<>();

        Reader(Class<?> root) {
            this.root = root;
            Class<?> around = root;
            while (!around.getName().endsWith("S3EventNotification")) around = around.getSuperclass();
            model = around;
            construction = new Construction(root, List.class);
            PARTS.forEach((name, parameters) -> made.put(name, constructor(name, parameters)));
        }

        private Construction constructor(String name, String[] parameters) {
            Class<?>[] types = Arrays.stream(parameters).map(this::type).toArray(Class<?>[]::new);
            Construction found = new Construction(nested(name), types);
            // Objects had no sequencer once.
            return found.isPossible() ? found : new Construction(nested(name), Arrays.copyOf(types, types.length - 1));
        }

        private Class<?> type(String parameter) {
            int colon = parameter.indexOf(':');
            if (colon >= 0) return nested(parameter.substring(colon + 1));
            return parameter.equals("size") ? Long.class : String.class;
        }

        private Class<?> nested(String name) {
            try {
                return Class.forName(model.getName() + "$" + name, false, root.getClassLoader());
            } catch (ClassNotFoundException none) {
                throw new JsonException(none.toString(), null, none);
            }
        }

        @Override
        public Object read(Parser in) {
            Object tree = Containers.ANYTHING.read(in);
            List<Object> records = new ArrayList<>();
            for (Object record : listOf(mapOf(tree).get("Records"))) records.add(make("S3EventNotificationRecord", mapOf(record)));
            return construction.make(records);
        }

        private Object make(String name, Map<?, ?> from) {
            String[] parameters = PARTS.get(name);
            Object[] arguments = new Object[made.get(name).parameters()];
            for (int i = 0; i < arguments.length; i++) arguments[i] = argument(parameters[i], from);
            return made.get(name).make(arguments);
        }

        private Object argument(String parameter, Map<?, ?> from) {
            String[] sides = parameter.split(":");
            Object value = from.get(sides[0]);
            if (sides.length > 1) return make(sides[1], mapOf(value));
            if (sides[0].equals("size")) return value instanceof Number ? ((Number) value).longValue() : 0L;
            return value == null ? "" : value.toString();
        }

        private static Map<?, ?> mapOf(Object value) {
            return value instanceof Map ? (Map<?, ?>) value : Collections.emptyMap();
        }

        private static List<?> listOf(Object value) {
            return value instanceof List ? (List<?>) value : Collections.emptyList();
        }
    }

    static void write(Object event, Generator out) throws IOException {
        out.startObject();
        out.name("Records");
        out.startArray();
        List<?> records = (List<?>) got(event, "getRecords");
        for (Object record : records == null ? Collections.emptyList() : records) write("S3EventNotificationRecord", record, out);
        out.endArray();
        out.endObject();
    }

    private static void write(String name, Object part, Generator out) throws IOException {
        out.startObject();
        for (String parameter : PARTS.get(name)) {
            String[] sides = parameter.split(":");
            Object value = got(part, getter(sides[0]));
            if (value == null) continue;
            out.name(sides[0]);
            if (sides.length > 1) write(sides[1], value, out);
            else if (value instanceof Number) out.plain(value.toString());
            else out.string(value.toString());
        }
        out.endObject();
    }

    private static String getter(String name) {
        switch (name) {
            case "size":
                return "getSizeAsLong";
            case "eTag":
                return "geteTag";
            case "x-amz-id-2":
                return "getxAmzId2";
            case "x-amz-request-id":
                return "getxAmzRequestId";
            default:
                return "get" + EventClasses.capitalized(name);
        }
    }

    private static Object got(Object from, String getter) {
        try {
            return from.getClass().getMethod(getter).invoke(from);
        } catch (InvocationTargetException thrown) {
            throw Construction.causeOf(thrown, "");
        } catch (NoSuchMethodException none) {
            return null; // of an older model
        } catch (IllegalAccessException refused) {
            throw new JsonException(refused.getMessage(), null, refused);
        }
    }
}
