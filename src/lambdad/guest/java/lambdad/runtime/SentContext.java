package lambdad.runtime;

import com.amazonaws.services.lambda.runtime.Client;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import lambdad.runtime.json.Json;

/** What a mobile application's SDK sends of itself: JSON of the caller's making, so anything may be missing. */
final class SentContext {
    private SentContext() {}

    static ClientContext clientContext(String json) {
        return json == null || json.isEmpty() ? null : new SentClientContext(object(read(json)));
    }

    static CognitoIdentity identity(String json) {
        return json == null || json.isEmpty() ? null : new SentIdentity(object(read(json)));
    }

    private static Object read(String json) {
        return Json.read(json.getBytes(StandardCharsets.UTF_8), Object.class);
    }

    private static Map<?, ?> object(Object value) {
        return value instanceof Map ? (Map<?, ?>) value : null;
    }

    private static String text(Map<?, ?> object, String name) {
        Object value = object == null ? null : object.get(name);
        return value == null ? null : String.valueOf(value);
    }

    private static Map<String, String> texts(Map<?, ?> object, String name) {
        Map<?, ?> values = object == null ? null : object(object.get(name));
        if (values == null) {
            return null;
        }
        Map<String, String> texts = new HashMap<>();
        for (Object key : values.keySet()) {
            texts.put((String) key, text(values, (String) key));
        }
        return texts;
    }

    private static final class SentClientContext implements ClientContext {
        private final Client client;
        private final Map<String, String> custom;
        private final Map<String, String> environment;

        SentClientContext(Map<?, ?> sent) {
            Map<?, ?> own = sent == null ? null : object(sent.get("client"));
            client = own == null ? null : new SentClient(own);
            custom = texts(sent, "custom");
            environment = texts(sent, "env");
        }

        @Override
        public Client getClient() {
            return client;
        }

        @Override
        public Map<String, String> getCustom() {
            return custom;
        }

        @Override
        public Map<String, String> getEnvironment() {
            return environment;
        }
    }

    private static final class SentClient implements Client {
        private final Map<?, ?> sent;

        SentClient(Map<?, ?> sent) {
            this.sent = sent;
        }

        @Override
        public String getInstallationId() {
            return text(sent, "installation_id");
        }

        @Override
        public String getAppTitle() {
            return text(sent, "app_title");
        }

        @Override
        public String getAppVersionName() {
            return text(sent, "app_version_name");
        }

        @Override
        public String getAppVersionCode() {
            return text(sent, "app_version_code");
        }

        @Override
        public String getAppPackageName() {
            return text(sent, "app_package_name");
        }
    }

    private static final class SentIdentity implements CognitoIdentity {
        private final Map<?, ?> sent;

        SentIdentity(Map<?, ?> sent) {
            this.sent = sent;
        }

        @Override
        public String getIdentityId() {
            return text(sent, "cognitoIdentityId");
        }

        @Override
        public String getIdentityPoolId() {
            return text(sent, "cognitoIdentityPoolId");
        }
    }
}
