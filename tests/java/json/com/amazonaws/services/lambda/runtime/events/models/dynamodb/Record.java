package com.amazonaws.services.lambda.runtime.events.models.dynamodb;

/** A stand-in with the public face of AWS's class. */
public class Record {
    private String eventID;
    private String eventName;
    private StreamRecord dynamodb;

    public String getEventID() { return eventID; }
    public void setEventID(String eventID) { this.eventID = eventID; }
    public String getEventName() { return eventName; }
    public void setEventName(String eventName) { this.eventName = eventName; }
    public StreamRecord getDynamodb() { return dynamodb; }
    public void setDynamodb(StreamRecord dynamodb) { this.dynamodb = dynamodb; }

    public void setEventName(OperationType type) { setEventName(type.name()); }

    public enum OperationType { INSERT, MODIFY, REMOVE }
}
