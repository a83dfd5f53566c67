"""Which handlers a Java function may have, and what is said of those it may not. AWS: …/lambda/latest/dg/java-handler.html"""

import json
from pathlib import Path

import pytest

import java_functions
from interpreters import JAVA, NO_JAVA

pytestmark = NO_JAVA

FORMS = [
    ("Forms::text", '"a"', '"a!"'),
    ("Forms::number", "21", "42"),
    ("Forms::object", '{"a": {"b": [1, 2.5, null]}}', '{"a":{"b":[1,2.5,null]}}'),
    ("Forms::list", "[1]", "[1,2]"),
    ("Forms::person", '{"name": "n", "age": 4, "unknown": 1}', '{"name":"n of id","age":5}'),
    ("Forms::nothing", "{}", "null"),
    ("Forms::nothingBoxed", "{}", "null"),
    ("Forms::noParameters", "{}", '"none"'),
    ("Forms::contextOnly", "{}", '"id"'),
    ("Forms::caller", "{}", '["identity","pool","tenant"]'),
    ("Forms::streams", '{"raw":1}', '{"raw":1} '),
    ("Forms::streamsAndContext", "[]", "[] id"),
    ("Forms::inputOnly", "[]", "null"),
    ("Forms::outputOnly", "[]", "7"),
    ("Forms::outputAndContext", "[]", "id"),
    ("Forms::overloaded", '"e"', '"event and context"'),
    ("Forms::contextCounts", '"e"', '"context"'),
    ("Interfaces$Direct", "1", '"1+"'),
    ("Interfaces$Direct::handleRequest", "1", '"1+"'),
    ("Interfaces$Inherited", "[1, 2]", '"sum 3"'),
    ("Interfaces$ByInterface", "1.5", "null"),
    ("Interfaces$Bounded", "1", '"bounded"'),
    ("Interfaces$Streams", '{"as": "is"}', '{"as": "is"}'),
]
CLASS = "Class functions.Interfaces"
REFUSED = [
    ("Forms::", "fault", "Invalid handler: `functions.Forms::'", None),
    ("Missing", "fault", "Class not found: functions.Missing", "java.lang.ClassNotFoundException"),
    ("Missing::method", "fault", "Class not found: functions.Missing", "java.lang.ClassNotFoundException"),
    (
        "Forms::missing",
        "fault",
        "No public method named missing with appropriate method signature found on class functions.Forms",
        None,
    ),
    (
        "Forms::notPublic",
        "fault",
        "No public method named notPublic with appropriate method signature found on class functions.Forms",
        None,
    ),
    (
        "Forms::uncallable",
        "fault",
        "No public method named uncallable with appropriate method signature found on class functions.Forms",
        None,
    ),
    (
        "Interfaces$None",
        "fault",
        "Class does not implement an appropriate handler interface: functions.Interfaces$None",
        None,
    ),
    ("Interfaces$Raw", "fault", f"{CLASS}$Raw does not implement RequestHandler with concrete type parameters", None),
    (
        "Interfaces$Unbounded",
        "fault",
        f"{CLASS}$Unbounded does not implement RequestHandler with concrete type parameters: "
        "parameter T has no upper bound.",
        None,
    ),
    (
        "Interfaces$NoConstructor",
        "fault",
        f"{CLASS}$NoConstructor has no public zero-argument constructor",
        "java.lang.Exception",
    ),
    (
        "Interfaces$Inner",
        "fault",
        f"{CLASS}$Inner cannot be instantiated because it is a non-static inner class",
        "java.lang.Exception",
    ),
    ("Interfaces$Abstract", "fault", "java.lang.InstantiationException", "java.lang.InstantiationException"),
    ("Interfaces$Throwing", "init", "not born", "java.lang.IllegalStateException"),
    (
        "Interfaces$Static",
        "init",
        "Error loading class functions.Interfaces$Static",
        "java.lang.ExceptionInInitializerError",
    ),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return java_functions.shared(tmp_path_factory)


def test_forms(shared: Path) -> None:
    cases = [(f"functions.{handler}", event) for handler, event, _ in FORMS]
    found = java_functions.outcomes(JAVA, shared, cases)
    assert found == [("answer", answer) for _, _, answer in FORMS]


def test_refusals(shared: Path) -> None:
    """`fault`: told to the first invocation; `init`: a failure of initialisation."""
    found = java_functions.outcomes(JAVA, shared, [(f"functions.{handler}", "1") for handler, *_ in REFUSED])
    for (handler, kind, message, error_type), (found_kind, text) in zip(REFUSED, found, strict=True):
        document = {"errorMessage": message} | ({"errorType": error_type} if error_type else {})
        assert (found_kind, json.loads(text)) == (kind, document), handler


def test_errors(shared: Path) -> None:
    cases = [("Forms::fails", '"bad"'), ("Forms::failsChecked", '"x"'), ("Forms::number", '"x"')]
    cases.append(("Forms::cannotBeWritten", '"x"'))
    found = java_functions.outcomes(JAVA, shared, [(f"functions.{handler}", event) for handler, event in cases])
    assert {kind for kind, _ in found} == {"error"}
    fails, checked, unread, unwritten = (json.loads(text) for _, text in found)
    assert (fails["errorMessage"], fails["errorType"]) == ("bad", "java.lang.IllegalArgumentException")
    assert fails["stackTrace"][0].startswith("functions.Forms.fails(Forms.java:")
    assert not [frame for frame in fails["stackTrace"] if "lambdad" in frame]
    assert (fails["cause"]["errorMessage"], fails["cause"]["errorType"]) == ("why", "java.lang.IllegalStateException")
    assert checked["errorMessage"] == checked["errorType"] == "java.io.IOException"
    assert unread["errorMessage"] == "An error occurred during JSON parsing"
    assert unwritten["errorMessage"] == "An error occurred during JSON serialization of response"
    for error in (unread, unwritten):
        assert (error["errorType"], error["stackTrace"]) == ("java.lang.RuntimeException", [])
        assert "cause" in error


def test_a_serializer_of_the_functions_own(shared: Path, tmp_path: Path) -> None:
    named = tmp_path / "META-INF/services/com.amazonaws.services.lambda.runtime.CustomPojoSerializer"
    named.parent.mkdir(parents=True)
    named.write_text("functions.OwnSerializer\n")
    cases = [("functions.Forms::text", '"a"'), ("functions.Forms::streams", "{}")]
    found = java_functions.outcomes(JAVA, shared, cases, tmp_path)
    assert found == [("answer", '"own java.lang.String! written"'), ("answer", "{} ")]
    named.write_text("functions.OwnSerializer\nfunctions.SecondSerializer\n")
    found = java_functions.outcomes(JAVA, shared, cases, tmp_path)
    assert found[0] == (
        "fault",
        '{"errorMessage":"Too many serializers provided inside the META-INF/services folder, only one is allowed",'
        '"errorType":"com.amazonaws.services.lambda.runtime.api.client.TooManyServiceProvidersFoundException"}',
    )
    assert found[1] == ("answer", "{} ")


def test_the_sources_are_java_8(shared: Path, tmp_path: Path) -> None:
    """The oldest runtime compiles them, too."""
    java_functions.compile_runtime(JAVA, tmp_path, "--release", "8")
