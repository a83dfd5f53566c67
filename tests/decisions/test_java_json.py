"""The JSON of our Java runtime: what is read into which type, and how it is written again; as AWS's Jackson is configured.

One Java answers all the questions of the table (tests/java/json/Answers.java). Types are named by the methods of Samples."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SOURCES = TESTS.parent / "src/lambdad/guest/java/lambdad/runtime/json"
EVENTS = "com.amazonaws.services.lambda.runtime.events"

SCALARS = {"i": 9, "l": 9, "d": 9.0, "b": True, "c": "x", "y": 9, "boxed": 9, "s": "9"}
NO_CREATORS = "(no Creators, like default constructor, exist)"
SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: {}]"


def scalars(**changed: object) -> str:
    return json.dumps({k: v for k, v in (SCALARS | changed).items() if v is not None}, separators=(",", ":"))


def unread(problem: str, column: int, path: str = "") -> str:
    chain = f" (through reference chain: {path})" if path else ""
    return f"! {problem} | at {SOURCE.format(column)}{chain}"


WHAT_STANDS_FOR_WHAT = [
    ("scalars", '{"i":"1","l":" 2 ","d":"3","b":"True","c":"4","y":"5","boxed":"6","s":7}',
     scalars(i=1, l=2, d=3.0, b=True, c="4", y=5, boxed=6, s="7")),
    ("scalars", '{"i":1.9,"l":2.9,"d":3,"b":1,"c":65,"y":200,"boxed":1.5,"s":7.50}',
     scalars(i=1, l=2, d=3.0, b=True, c="A", y=-56, boxed=1, s="7.50")),
    ("scalars", '{"i":null,"l":null,"d":null,"b":null,"c":null,"y":null,"boxed":null,"s":null}',
     '{"i":0,"l":0,"d":0.0,"b":false,"c":"\\u0000","y":0}'),
    ("scalars", '{"i":"","d":"","b":"","boxed":"","s":""}', scalars(i=0, d=0.0, b=False, boxed=None, s="")),
    ("scalars", '{"i":[4],"b":[true],"s":["x"],"boxed":[]}', scalars(i=4, b=True, s="x", boxed=None)),
    ("scalars", '{"d":"NaN","s":true,"number":"12345678901"}', scalars(d="NaN", s="true", number=12345678901)),
    ("scalars", '{"decimal":1.10,"big":"123456789012345678901","number":1.5}',
     scalars()[:-1] + ',"decimal":1.10,"big":123456789012345678901,"number":1.5}'),
    ("scalars", '{"color":"GREEN"}', scalars(color="GREEN")),
    ("scalars", '{"color":"2"}', scalars(color="BLUE")),
    ("scalars", '{"color":1}', scalars(color="GREEN")),
    ("scalars", '{"color":"MAUVE"}', scalars()),
    ("scalars", '{"color":7}', scalars()),
    ("scalars", '{"bytes":"AQID","buffer":"AQ==","chars":"ab"}', scalars(bytes="AQID", buffer="AQ==", chars="ab")),
    ("scalars", '{"bytes":[1,2,255],"chars":["a","b"]}', scalars(bytes="AQL/", chars="ab")),
    ("scalars", '{"uuid":"123e4567-e89b-12d3-a456-426614174000","uri":"a:b","locale":"en-US"}',
     scalars(uuid="123e4567-e89b-12d3-a456-426614174000", uri="a:b", locale="en_US")),
    ("string", "5", '"5"'), ("string", '["a"]', '"a"'), ("number", '"5"', "5"), ("boxed", '""', "null"),
    ("number", "null", "0"), ("nothing", '{"a":[1]}', "null"),
    ("any", "null", "null"),
    ("any", '{"a":[1,2.5,null,true,"x",{}],"b":12345678901,"c":123456789012345678901}',
     '{"a":[1,2.5,null,true,"x",{}],"b":12345678901,"c":123456789012345678901}'),
]  # fmt: skip

LENIENCE = [
    ("any", "{'a':1,b:'\\'',c-d:007,e:-00.5}", '{"a":1,"b":"\'","c-d":7,"e":-0.5}'),
    ("any", '["\\q\\/","a\tb",NaN,-INF,Infinity]', '["q/","a\\tb","NaN","-Infinity","Infinity"]'),
    ("any", '\ufeff {"a":1} trailing', '{"a":1}'),
    ("any", '{"a":1,"b":2,"a":3}', '{"a":3,"b":2}'),
    ("any", '"\\u00e9\\ud83d\\ude00"', '"é\\uD83D\\uDE00"'),
]

OBJECTS = [
    ("named", '{"URL":"1","aName":"2","ready":false,"hidden":5,"fixed":6,"passing":7,"guarded":8,"unknown":{"a":[1]}}',
     '{"URL":"1","aName":"2","ready":false,"hidden":1,"fixed":6}'),
    ("named", '{"url":"1","Ready":false}', '{"URL":"u","aName":"a","ready":true,"hidden":1,"fixed":2}'),
    ("readOnly", '{"list":["a"]}', '{"list":[]}'),
    ("derived", '{"value":"3","list":["1",2],"own":"p"}', '{"value":3,"list":[1,2],"own":"p"}'),
    ("generic", '{"value":{"value":1},"list":[{"value":2}]}', '{"value":{"value":1},"list":[{"value":2}]}'),
    ("node", '{"next":{"next":"","children":[]},"children":{"value":1}}',
     '{"next":{"children":[],"value":0},"children":[{"value":1}],"value":0}'),
    ("node", "[]", "null"), ("node", '[{"value":1}]', '{"value":1}'), ("node", '" "', "null"),
    ("nodes", '[{"value":1},null]', '[{"value":1},null]'), ("array", '{"value":1}', '[{"value":1}]'),
    ("secret", '{"a":2}', '{"a":2}'),
    ("preferring", '{"a":1}', '{"how":"String"}'),
    ("counts", '{"a":"1","b":null}', '{"a":1}'),
    ("containers", '{"set":["a","a"],"sorted":[3,1],"deque":[1],"iterable":["x"],"array":["q",null],"matrix":[[1],[2,3]]}',
     '{"set":["a"],"sorted":[1,3],"deque":[1],"iterable":["x"],"array":["q",null],"matrix":[[1],[2,3]]}'),
    ("containers", '{"wild":[1,2.5],"lists":[["a"]],"byNumber":{"1":["a"]},"sortedMap":{"b":1,"a":2},"byColor":{"BLUE":"x"}}',
     '{"wild":[1,2.5],"lists":[["a"]],"byNumber":{"1":["a"]},"sortedMap":{"a":2,"b":1},"byColor":{"BLUE":"x"}}'),
    ("containers", '{"optional":null,"optionalInt":"5","set":"","array":"x"}',
     '{"array":["x"],"optional":null,"optionalInt":5}'),
]  # fmt: skip

TIMES = [
    ("times", '{"date":1600000000123,"instant":1600000000.5}', '{"date":1600000000123,"instant":1600000000.500000000}'),
    ("times", '{"date":"2020-01-02T03:04:05.678+0100"}', '{"date":1577930645678}'),
    ("times", '{"date":"2020-01-02"}', '{"date":1577923200000}'),
    ("times", '{"date":"Sat, 12 Aug 1995 13:30:00 GMT"}', '{"date":808234200000}'),
    ("times", '{"instant":"2020-01-02T03:04:05Z","offset":"2020-01-02T03:04:05+02:00","zoned":"2020-01-02T03:04:05Z"}',
     '{"instant":1577934245.000000000,"offset":1577927045.000000000,"zoned":1577934245.000000000}'),
    ("times", '{"localDate":"2020-01-02","localTime":[3,4],"local":"2020-01-02T03:04:05","duration":"PT1M"}',
     '{"localDate":[2020,1,2],"localTime":[3,4],"local":[2020,1,2,3,4,5],"duration":60.000000000}'),
]  # fmt: skip

REFUSED = [
    ("any", "", unread("No content to map due to end-of-input", 1)),
    ("scalars", '{"i":"x"}',
     unread('Cannot deserialize value of type `int` from String "x": not a valid `int` value', 6, 'Samples$Scalars["i"]')),
    ("scalars", '{"i":99999999999}',
     unread("Numeric value (99999999999) out of range of int (-2147483648 - 2147483647)", 6, 'Samples$Scalars["i"]')),
    ("scalars", '{"i":true}',
     unread("Cannot deserialize value of type `int` from Boolean value (token `JsonToken.VALUE_TRUE`)", 6, 'Samples$Scalars["i"]')),
    ("scalars", '{"i":[]}',
     unread("Cannot deserialize value of type `int` from Array value (token `JsonToken.END_ARRAY`)", 7, 'Samples$Scalars["i"]')),
    ("string", '{"a":1}',
     unread("Cannot deserialize value of type `java.lang.String` from Object value (token `JsonToken.START_OBJECT`)", 1)),
    ("nodes", '[{"children":[{},{"value":"x"}]}]',
     unread('Cannot deserialize value of type `int` from String "x": not a valid `int` value', 27,
            'java.util.ArrayList[0]->Samples$Node["children"]->java.util.ArrayList[1]->Samples$Node["value"]')),
    ("node", "5", unread("Cannot construct instance of `Samples$Node` (although at least one Creator exists): no "
                         "int/Int-argument constructor/factory method to deserialize from Number value (5)", 1)),
    ("needsText", "{}", unread(f"Cannot construct instance of `Samples$NeedsText` {NO_CREATORS}: cannot deserialize from "
                               "Object value (no delegate- or property-based Creator)", 1)),
    ("shape", "{}", unread(f"Cannot construct instance of `Samples$Shape` {NO_CREATORS}: abstract types either need to be mapped "
                           "to concrete types, have custom deserializer, or contain additional type information", 1)),
    ("throwing", '{"a":1}', unread("set no more", 6, 'Samples$Throwing["a"]')),
    ("times", '{"instant":1e999999999}',
     unread("Cannot deserialize value of type `java.time.Instant` from Floating-point value "
            "(token `JsonToken.VALUE_NUMBER_FLOAT`): out of range", 12, 'Samples$Times["instant"]')),
    ("scalars", '{"big":1e999999999}',
     unread("BigDecimal scale (-999999999) magnitude exceeds the maximum allowed (100000)", 8, 'Samples$Scalars["big"]')),
    ("torn", "{}", "Conflicting setter definitions for property \"a\""),
    ("any", '{"a":1,}', unread("Unexpected character ('}' (code 125)): was expecting either valid name character (for unquoted "
                               "name) or double-quote (for quoted) to start field name", 8)),
    ("any", '{"a":[1', unread(f"Unexpected end-of-input: expected close marker for Array (start marker at {SOURCE.format(6)})", 8)),
    ("any", "nulls", unread("Unrecognized token 'nulls': was expecting (JSON String, Number (or 'NaN'/'+INF'/'-INF'), Array, "
                            "Object or token 'null', 'true' or 'false')", 1)),
    ("any", "1 /*no*/", "1"),
    ("any", "[1 /*no*/]", unread("Unexpected character ('/' (code 47)): was expecting comma to separate Array entries", 4)),
    ("any", "[" * 1001, unread("Document nesting depth (1001) exceeds the maximum allowed (1000, from "
                               "`StreamReadConstraints.getMaxNestingDepth()`)", 1001)),
    ("any", "1" * 1001, unread("Number value length (1001) exceeds the maximum allowed (1000, from "
                               "`StreamReadConstraints.getMaxNumberLength()`)", 1)),
    ("any", b'"\xff"', "! Invalid UTF-8 start byte 0xff"),
]  # fmt: skip

WRITTEN = [
    ("string", '"a\\"\\\\/\\b\\t\\u0001\x7fé€\\uD83D\\uDE00\\uD83D"'),
    ("infinite", '["NaN","-Infinity",1.0E21,0.1,1E+3]'),
    ("bytes", '["AQIDBA==","AQ==","ab"]'),
    ("optionals", "[1,null,null]"),
    ("constants", '["RED","GREEN","en_US","java.lang.String"]'),
    ("dates", "[5,1.000000005,[1,2],0.0]"),
    ("noNulls", '{"a":{}}'),
    ("keys", '{"z":1,"5":2,"GREEN":3,"1970-01-01T00:00:00.000+00:00":4}'),
    ("any", "{}"),
    ("whole", '{"own":"o"}'),
    ("narrowed", "{}"),
    ("shapes", '[{"area":1,"sides":4},null]'),
    ("shape", '{"area":1,"sides":4}'),
    ("throwing", '! got no more (through reference chain: Samples$Throwing["a"])'),
    ("itself", '! Direct self-reference leading to cycle (through reference chain: Samples$Node["next"])'),
    ("withoutKey", "! Null key for a Map not allowed in JSON (use a converting NullKeySerializer?) (through reference chain: "
                   'java.util.HashMap["null"])'),
]  # fmt: skip

SNS = (
    '{"EventVersion":"1.0","EventSubscriptionArn":"arn","Sns":{"Message":"m","TopicArn":"t","SigningCertUrl":"u",'
    '"Timestamp":"2019-01-02T12:45:07.000Z","MessageAttributes":{"k":{"Type":"String","Value":"v"}}}}'
)
S3 = (
    '{"awsRegion":"r","eventName":"ObjectCreated:Put","eventSource":"aws:s3","eventTime":"2019-09-03T19:37:27.192Z",'
    '"eventVersion":"2.1","requestParameters":{"sourceIPAddress":"1.2.3.4"},"responseElements":{"x-amz-id-2":"i","x-amz-request-id":"q"},'
    '"s3":{"configurationId":"c","bucket":{"name":"b","ownerIdentity":{"principalId":"p"},"arn":"a"},'
    '"object":{"key":"k","size":5,"eTag":"e","versionId":"","sequencer":"s"},"s3SchemaVersion":"1.0"},"userIdentity":{"principalId":"p"}}'
)
OF_EVENTS = [
    ("sqs", '{"Records":[{"messageId":"i","eventSourceARN":"arn",'
            '"messageAttributes":{"a":{"binaryValue":"AQI=","dataType":"Binary"}}}]}',
     '{"Records":[{"messageId":"i","messageAttributes":{"a":{"binaryValue":"AQI=","dataType":"Binary"}},"eventSourceARN":"arn"}]}'),
    ("sns", f'{{"Records":[{SNS}]}}', f'{{"Records":[{SNS}]}}'),
    ("kinesis", '{"Records":[{"eventID":"1","kinesis":'
                '{"approximateArrivalTimestamp":1545084650.987,"data":"SGk=","encryptionType":"NONE"}}]}',
     '{"Records":[{"eventID":"1","kinesis":{"approximateArrivalTimestamp":1.545084650987E9,"data":"SGk=","encryptionType":"NONE"}}]}'),
    ("dynamodb", '{"Records":[{"eventName":"INSERT","eventSourceARN":"arn","dynamodb":{"SizeBytes":26,'
                 '"ApproximateCreationDateTime":1.5E9,"Keys":{"Id":{"N":"101"}},"NewImage":{"a":{"L":[{"S":"x"},{"NULL":true},{"BOOL":false},{"B":"AQ=="},{"SS":["q"]},{"M":{}}]}}}}]}',
     '{"Records":[{"dynamodb":{"ApproximateCreationDateTime":1.5E9,"Keys":{"Id":{"N":"101"}},"NewImage":{"a":{"L":[{"S":"x"},{"NULL":true},'
     '{"BOOL":false},{"B":"AQ=="},{"SS":["q"]},{"M":{}}]}},"SizeBytes":26},"eventSourceARN":"arn","eventName":"INSERT"}]}'),
    ("scheduled", '{"account":"1","detail-type":"d","detail":{"x":[1]},"time":"1970-01-01T00:00:00Z","resources":["r"]}',
     '{"account":"1","detail":{"x":[1]},"time":"1970-01-01T00:00:00.000Z","resources":["r"],"detail-type":"d"}'),
    ("s3", f'{{"Records":[{S3}]}}', f'{{"Records":[{S3}]}}'),
    ("s3", "{}", '{"Records":[]}'),
    ("nestedEvents", '[{"Records":[],"records":[{"eventSourceARN":"no","eventSourceArn":"yes"}]}]',
     '[{"records":[{"eventSourceArn":"yes"}]}]'),
]  # fmt: skip

READ = [*WHAT_STANDS_FOR_WHAT, *LENIENCE, *OBJECTS, *TIMES, *REFUSED, *OF_EVENTS]
LARGE = json.dumps([['item "é', n, {"n": n}] for n in range(100_000)], ensure_ascii=False, separators=(",", ":"))


@pytest.mark.skipif(shutil.which("javac") is None, reason="no JDK is installed")
def test_values_are_read_and_written_as_on_aws(tmp_path: Path) -> None:
    sources = [*SOURCES.glob("*.java"), *(TESTS / "java/json").rglob("*.java")]
    subprocess.run(
        ["javac", "-source", "8", "-target", "8", "-nowarn", "-encoding", "UTF-8", "-d", tmp_path, *sources],
        check=True,
        capture_output=True,
    )
    asked = [
        *(f"read {name} {encoded(given)}" for name, given, _ in READ),
        *(f"write {name}" for name, _ in WRITTEN),
        f"read any {encoded(LARGE)}",
        "read node " + encoded('{"next":' * 999 + "{}" + "}" * 999),
        "write cycle",
    ]
    program = ["java", "-Xss1m", "-XX:TieredStopAtLevel=1", "-cp", tmp_path, "Answers"]
    asking = subprocess.run(program, input="\n".join(asked).encode(), check=True, capture_output=True, timeout=120)
    *answers, large, deep, cycle = asking.stdout.decode().splitlines()

    expected = [answer for *_, answer in READ] + [answer for _, answer in WRITTEN]
    wrong = [
        f"{question[:200]}\n  answered {answer}\n  expected {wanted}"
        for question, answer, wanted in zip(asked, answers, expected, strict=False)
        if answer != wanted and not (wanted.startswith("Conflicting") and wanted in answer)
    ]
    assert len(answers) == len(expected)
    assert not wrong, "\n".join(wrong)
    assert large == LARGE
    assert deep == '{"next":' * 999 + '{"value":0}' + ',"value":0}' * 999
    assert cycle.startswith(
        "! Document nesting depth (1001) exceeds the maximum allowed (1000, from `StreamWriteConstraints"
    )


def encoded(given: str | bytes) -> str:
    return base64.b64encode(given if isinstance(given, bytes) else given.encode()).decode()
