package com.amazonaws.services.lambda.runtime.events.models.kinesis;

import java.nio.ByteBuffer;
import java.util.Date;

/** A stand-in with the public face of AWS's class. */
public class Record {
    private String sequenceNumber;
    private Date approximateArrivalTimestamp;
    private ByteBuffer data;
    private String partitionKey;
    private String encryptionType;

    public String getSequenceNumber() { return sequenceNumber; }
    public void setSequenceNumber(String sequenceNumber) { this.sequenceNumber = sequenceNumber; }
    public Date getApproximateArrivalTimestamp() { return approximateArrivalTimestamp; }
    public void setApproximateArrivalTimestamp(Date approximateArrivalTimestamp) { this.approximateArrivalTimestamp = approximateArrivalTimestamp; }
    public ByteBuffer getData() { return data; }
    public void setData(ByteBuffer data) { this.data = data; }
    public String getPartitionKey() { return partitionKey; }
    public void setPartitionKey(String partitionKey) { this.partitionKey = partitionKey; }
    public String getEncryptionType() { return encryptionType; }
    public void setEncryptionType(String encryptionType) { this.encryptionType = encryptionType; }

    public void setEncryptionType(EncryptionType type) { setEncryptionType(type.name()); }

    public enum EncryptionType { NONE, KMS }
}
