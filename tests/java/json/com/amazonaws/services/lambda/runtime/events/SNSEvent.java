package com.amazonaws.services.lambda.runtime.events;

import java.util.List;
import java.util.Map;
import org.joda.time.DateTime;

/** A stand-in with the public face of AWS's class. */
public class SNSEvent {
    private List<SNSRecord> records;

    public List<SNSRecord> getRecords() { return records; }
    public void setRecords(List<SNSRecord> records) { this.records = records; }

    public static class SNSRecord {
        private String eventVersion;
        private String eventSubscriptionArn;

        public String getEventVersion() { return eventVersion; }
        public void setEventVersion(String eventVersion) { this.eventVersion = eventVersion; }
        public String getEventSubscriptionArn() { return eventSubscriptionArn; }
        public void setEventSubscriptionArn(String eventSubscriptionArn) { this.eventSubscriptionArn = eventSubscriptionArn; }
        private SNS sns;
        public SNS getSNS() { return sns; }
        public void setSns(SNS sns) { this.sns = sns; }
    }

    public static class SNS {
        private String message;
        private String topicArn;
        private String signingCertUrl;
        private DateTime timestamp;
        private Map<String, MessageAttribute> messageAttributes;

        public String getMessage() { return message; }
        public void setMessage(String message) { this.message = message; }
        public String getTopicArn() { return topicArn; }
        public void setTopicArn(String topicArn) { this.topicArn = topicArn; }
        public String getSigningCertUrl() { return signingCertUrl; }
        public void setSigningCertUrl(String signingCertUrl) { this.signingCertUrl = signingCertUrl; }
        public DateTime getTimestamp() { return timestamp; }
        public void setTimestamp(DateTime timestamp) { this.timestamp = timestamp; }
        public Map<String, MessageAttribute> getMessageAttributes() { return messageAttributes; }
        public void setMessageAttributes(Map<String, MessageAttribute> messageAttributes) { this.messageAttributes = messageAttributes; }
    }

    public static class MessageAttribute {
        private String type;
        private String value;

        public String getType() { return type; }
        public void setType(String type) { this.type = type; }
        public String getValue() { return value; }
        public void setValue(String value) { this.value = value; }
    }
}
