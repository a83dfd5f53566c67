package com.amazonaws.services.lambda.runtime.events;

import java.util.List;
import java.util.Map;
import org.joda.time.DateTime;

/** A stand-in with the public face of AWS's class. */
public class ScheduledEvent {
    private String account;
    private String detailType;
    private Map<String, Object> detail;
    private DateTime time;
    private List<String> resources;

    public String getAccount() { return account; }
    public void setAccount(String account) { this.account = account; }
    public String getDetailType() { return detailType; }
    public void setDetailType(String detailType) { this.detailType = detailType; }
    public Map<String, Object> getDetail() { return detail; }
    public void setDetail(Map<String, Object> detail) { this.detail = detail; }
    public DateTime getTime() { return time; }
    public void setTime(DateTime time) { this.time = time; }
    public List<String> getResources() { return resources; }
    public void setResources(List<String> resources) { this.resources = resources; }
}
