"""What datapoints make of an alarm: the tables of AWS's documentation, and the words of the reasons."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.resources.alarm import ALARM, INSUFFICIENT, MISSING_TREATED, OK, Datum, Rule, evaluate

SHOWN = {"0": 0.0, "X": 9.0, "-": None}
RETAIN = None


def data(text: str) -> list[Datum]:
    """`0`: not breaching; `X`: breaching; `-`: missing. The oldest first."""
    return [Datum(1_790_000_000 // 60 * 60 + 60 * number, SHOWN[one]) for number, one in enumerate(text.split())]


def state(text: str, missing: str, to_alarm: int, evaluated: int = 3) -> str | None:
    verdict = evaluate(Rule("GreaterThanThreshold", 5.0, evaluated, to_alarm, missing), data(text))
    return verdict.state if verdict is not None else RETAIN


@pytest.mark.parametrize(
    ("text", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0 - X - X", OK, OK, OK, OK),
        ("- - - - 0", OK, OK, OK, OK),
        ("- - - - -", INSUFFICIENT, RETAIN, ALARM, OK),
        ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
        ("- - X - -", ALARM, RETAIN, ALARM, OK),
        ("- - - - X", RETAIN, RETAIN, ALARM, OK),
    ],
)
def test_three_of_three(
    text: str, missing: str | None, ignore: str | None, breaching: str | None, not_breaching: str | None
) -> None:
    wanted = {"missing": missing, "ignore": ignore, "breaching": breaching, "notBreaching": not_breaching}
    assert {how: state(text, how, 3) for how in MISSING_TREATED} == wanted


@pytest.mark.parametrize(
    ("text", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
        ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
        ("0 - X - -", OK, OK, ALARM, OK),
        ("- - - - 0", OK, OK, ALARM, OK),
        ("- - - X -", ALARM, RETAIN, ALARM, OK),
        ("- - - - X", RETAIN, RETAIN, ALARM, OK),
    ],
)
def test_two_of_three(
    text: str, missing: str | None, ignore: str | None, breaching: str | None, not_breaching: str | None
) -> None:
    wanted = {"missing": missing, "ignore": ignore, "breaching": breaching, "notBreaching": not_breaching}
    assert {how: state(text, how, 2) for how in MISSING_TREATED} == wanted


@given(st.lists(st.sampled_from("0X-"), min_size=7, max_size=7), st.integers(1, 5), st.sampled_from(MISSING_TREATED))
def test_enough_breaching_ones_always_alarm_and_none_never(shown: list[str], to_alarm: int, missing: str) -> None:
    found = state(" ".join(shown), missing, to_alarm, 5)
    if shown[-5:].count("X") >= to_alarm and "-" not in shown:
        assert found == ALARM
    if "X" not in shown and missing != "breaching":
        assert found in ((OK, INSUFFICIENT, RETAIN) if "0" not in shown else (OK,))


@pytest.mark.parametrize(
    ("comparison", "alarms"),
    [
        ("GreaterThanThreshold", [False, False, True]),
        ("GreaterThanOrEqualToThreshold", [False, True, True]),
        ("LessThanThreshold", [True, False, False]),
        ("LessThanOrEqualToThreshold", [True, True, False]),
    ],
)
def test_comparisons(comparison: str, alarms: list[bool]) -> None:
    found = [evaluate(Rule(comparison, 5.0, 1, 1), [Datum(0, value)]) for value in (4.0, 5.0, 6.0)]
    assert [verdict is not None and verdict.state == ALARM for verdict in found] == alarms


@pytest.mark.parametrize(
    ("text", "missing", "evaluated", "to_alarm", "reason"),
    [
        (
            "- - X",
            "missing",
            1,
            1,
            "Threshold Crossed: 1 out of the last 1 datapoints [9.0 (21/09/26 14:15:00)] was greater than the threshold "
            "(5.0) (minimum 1 datapoint for OK -> ALARM transition).",
        ),
        (
            "0 0 0 X X",
            "missing",
            3,
            2,
            "Threshold Crossed: 2 out of the last 3 datapoints [9.0 (21/09/26 14:17:00), 9.0 (21/09/26 14:16:00)] were "
            "greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition).",
        ),
        (
            "X X 0",
            "missing",
            1,
            1,
            "Threshold Crossed: 1 datapoint [0.0 (21/09/26 14:15:00)] was not greater than the threshold (5.0).",
        ),
        ("- - -", "missing", 1, 1, "Insufficient Data: 1 datapoint was unknown."),
        ("- - - -", "missing", 2, 2, "Insufficient Data: 2 datapoints were unknown."),
        (
            "- - - -",
            "notBreaching",
            2,
            2,
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as "
            "[NonBreaching].",
        ),
    ],
)
def test_reasons(text: str, missing: str, evaluated: int, to_alarm: int, reason: str) -> None:
    verdict = evaluate(Rule("GreaterThanThreshold", 5.0, evaluated, to_alarm, missing), data(text))
    assert verdict is not None
    assert verdict.reason == reason
