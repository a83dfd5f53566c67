"""Metric math: operators, functions, and what is refused."""

import pytest

from lambdad.observability.metric_math import Grid, MathError, Value, evaluate, names_in

GRID = Grid(0, 300, 60)
M1 = {0: 10.0, 60: 20.0, 120: 30.0}
M2 = {0: 2.0, 120: 0.0, 180: 4.0}
VALUES: dict[str, Value] = {"m1": M1, "m2": M2, "e1": [M1, M2]}


def of(expression: str) -> Value:
    return evaluate(expression, VALUES, {"m1": M1, "m2": M2}, GRID)


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("m1 + 1", {0: 11.0, 60: 21.0, 120: 31.0}),
        ("m1 + m2", {0: 12.0, 120: 30.0}),
        ("m1 / m2", {0: 5.0}),
        ("100 * (m1 - m2) / m1", {0: 80.0, 120: 100.0}),
        ("-m1 ^ 2", {0: 100.0, 60: 400.0, 120: 900.0}),
        ("2 + 3 * 4 - 6 / 2", 11.0),
        ("2 ^ 3 ^ 2", 512.0),
        ("m1 >= 20", {0: 0.0, 60: 1.0, 120: 1.0}),
        ("m1 > 5 AND m1 < 25", {0: 1.0, 60: 1.0, 120: 0.0}),
        ("IF(m1 > 15, m1, 0)", {0: 0.0, 60: 20.0, 120: 30.0}),
        ("SUM(m1)", 60.0),
        ("AVG(m1)", 20.0),
        ("MAX(METRICS())", {0: 10.0, 60: 20.0, 120: 30.0, 180: 4.0}),
        ("SUM([m1, m2])", {0: 12.0, 60: 20.0, 120: 30.0, 180: 4.0}),
        ("SUM(METRICS('m2'))", M2),
        ("RATE(m1)", {60: 10 / 60, 120: 10 / 60}),
        ("DIFF(m1)", {60: 10.0, 120: 10.0}),
        ("RUNNING_SUM(m1)", {0: 10.0, 60: 30.0, 120: 60.0}),
        ("PERIOD(m1)", 60.0),
        ("SUM(m1) / PERIOD(m1)", 1.0),
        ("FILL(m2, 0)", {0: 2.0, 60: 0.0, 120: 0.0, 180: 4.0, 240: 0.0}),
        ("FILL(m2, REPEAT)", {0: 2.0, 60: 2.0, 120: 0.0, 180: 4.0, 240: 4.0}),
        ("FILL(m2, LINEAR)", {0: 2.0, 60: 1.0, 120: 0.0, 180: 4.0}),
        ("METRIC_COUNT(METRICS())", 2.0),
        ("CEIL(m1 / 3)", {0: 4.0, 60: 7.0, 120: 10.0}),
        ("e1 * 2", [{0: 20.0, 60: 40.0, 120: 60.0}, {0: 4.0, 120: 0.0, 180: 8.0}]),
    ],
)
def test_an_expression_is_computed(expression: str, wanted: Value) -> None:
    assert of(expression) == wanted


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("m1 +", "ends too early"),
        ("m1 m2", "unexpected 'm2'"),
        ("m9 + 1", "no metric or expression with the id 'm9'"),
        ("SEARCH('x', 'Sum')", "SEARCH is not supported"),
        ("SUM(m1, m2)", "SUM takes 1 argument"),
        ("m1 ; m2", "unexpected character ';'"),
        ("e1 + e1", "lists"),
        ("(" * 60 + "1" + ")" * 60, "too deeply"),
        ("-" * 5000 + "1" + "^2" * 2000, "too deeply"),
        ("FILL(m1)", "expected ','"),
    ],
)
def test_what_cannot_be_understood_is_refused(expression: str, says: str) -> None:
    with pytest.raises(MathError, match=says.replace("(", r"\(")):
        of(expression)


def test_what_an_expression_stands_on() -> None:
    assert names_in("SUM(METRICS()) / m1 + IF(e2 > 1, 0, 1)") == ({"m1", "e2"}, True)
    assert names_in("m1 * 100") == ({"m1"}, False)
