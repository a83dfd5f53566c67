package org.joda.time;

import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/** A stand-in with as much of joda's face as is used. */
public final class DateTime {
    private final OffsetDateTime moment;

    private DateTime(OffsetDateTime moment) {
        this.moment = moment;
    }

    public static DateTime parse(String text) {
        return new DateTime(OffsetDateTime.parse(text));
    }

    @Override
    public String toString() {
        return DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSXX").format(moment.withOffsetSameInstant(ZoneOffset.UTC));
    }
}
