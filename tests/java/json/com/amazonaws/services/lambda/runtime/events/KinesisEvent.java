package com.amazonaws.services.lambda.runtime.events;

import java.util.List;

/** A stand-in with the public face of AWS's class. */
public class KinesisEvent {
    private List<KinesisEventRecord> records;

    public List<KinesisEventRecord> getRecords() { return records; }
    public void setRecords(List<KinesisEventRecord> records) { this.records = records; }

    public static class KinesisEventRecord {
        private String eventSource;
        private String eventID;
        private String eventSourceARN;
        private Record kinesis;

        public String getEventSource() { return eventSource; }
        public void setEventSource(String eventSource) { this.eventSource = eventSource; }
        public String getEventID() { return eventID; }
        public void setEventID(String eventID) { this.eventID = eventID; }
        public String getEventSourceARN() { return eventSourceARN; }
        public void setEventSourceARN(String eventSourceARN) { this.eventSourceARN = eventSourceARN; }
        public Record getKinesis() { return kinesis; }
        public void setKinesis(Record kinesis) { this.kinesis = kinesis; }
    }

    public static class Record extends com.amazonaws.services.lambda.runtime.events.models.kinesis.Record {
        private String kinesisSchemaVersion;

        public String getKinesisSchemaVersion() { return kinesisSchemaVersion; }
        public void setKinesisSchemaVersion(String kinesisSchemaVersion) { this.kinesisSchemaVersion = kinesisSchemaVersion; }
    }
}
