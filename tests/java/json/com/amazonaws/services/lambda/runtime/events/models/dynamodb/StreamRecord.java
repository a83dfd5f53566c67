package com.amazonaws.services.lambda.runtime.events.models.dynamodb;

import java.util.Date;
import java.util.Map;

/** A stand-in with the public face of AWS's class. */
public class StreamRecord {
    private Date approximateCreationDateTime;
    private Map<String, AttributeValue> keys;
    private Map<String, AttributeValue> newImage;
    private String sequenceNumber;
    private Long sizeBytes;
    private String streamViewType;

    public Date getApproximateCreationDateTime() { return approximateCreationDateTime; }
    public void setApproximateCreationDateTime(Date approximateCreationDateTime) { this.approximateCreationDateTime = approximateCreationDateTime; }
    public Map<String, AttributeValue> getKeys() { return keys; }
    public void setKeys(Map<String, AttributeValue> keys) { this.keys = keys; }
    public Map<String, AttributeValue> getNewImage() { return newImage; }
    public void setNewImage(Map<String, AttributeValue> newImage) { this.newImage = newImage; }
    public String getSequenceNumber() { return sequenceNumber; }
    public void setSequenceNumber(String sequenceNumber) { this.sequenceNumber = sequenceNumber; }
    public Long getSizeBytes() { return sizeBytes; }
    public void setSizeBytes(Long sizeBytes) { this.sizeBytes = sizeBytes; }
    public String getStreamViewType() { return streamViewType; }
    public void setStreamViewType(String streamViewType) { this.streamViewType = streamViewType; }
}
