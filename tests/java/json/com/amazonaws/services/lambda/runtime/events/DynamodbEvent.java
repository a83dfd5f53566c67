package com.amazonaws.services.lambda.runtime.events;

import java.util.List;

/** A stand-in with the public face of AWS's class. */
public class DynamodbEvent {
    private List<DynamodbStreamRecord> records;

    public List<DynamodbStreamRecord> getRecords() { return records; }
    public void setRecords(List<DynamodbStreamRecord> records) { this.records = records; }

    public static class DynamodbStreamRecord extends com.amazonaws.services.lambda.runtime.events.models.dynamodb.Record {
        private String eventSourceArn;

        public String getEventSourceARN() { return eventSourceArn; }
        public void setEventSourceARN(String eventSourceArn) { this.eventSourceArn = eventSourceArn; }
    }
}
