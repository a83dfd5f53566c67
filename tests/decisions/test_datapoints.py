"""What is kept of a metric's values: exact sums, percentiles near enough, and nothing lost by packing."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from lambdad.observability.datapoint import Datapoint, code_of, is_statistic, value_of
from lambdad.observability.metric_blocks import pack, summed, unpack

VALUES = st.lists(st.floats(0, 1e12), min_size=1, max_size=50)
COLUMNS = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30)


@given(st.floats(1e-300, 1e300))
def test_a_code_is_at_most_four_thousandths_off(value: float) -> None:
    assert math.isclose(value_of(code_of(value)), value, rel_tol=0.004)


def test_whole_numbers_up_to_256_are_exact() -> None:
    assert [value_of(code_of(float(n))) for n in range(257)] == [float(n) for n in range(257)]


@given(st.lists(st.floats(0, 1e12), min_size=2, max_size=20, unique=True))
def test_codes_are_in_the_order_of_the_values(values: list[float]) -> None:
    codes = [code_of(value) for value in sorted(values)]
    assert codes == sorted(codes)


@given(VALUES, st.floats(0, 100))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], percent: float) -> None:
    found = Datapoint.of(values).percentile(percent)
    wanted = sorted(values)[max(math.ceil(len(values) * percent / 100 - 1e-9) - 1, 0)]
    assert found is not None
    assert math.isclose(found, wanted, rel_tol=0.004, abs_tol=1e-300)


@given(VALUES, VALUES)
def test_merging_is_as_if_all_had_come_to_one(one: list[float], other: list[float]) -> None:
    merged = Datapoint.of(one)
    merged.merge(Datapoint.of(other))
    whole = Datapoint.of(one + other)
    assert (merged.count, merged.minimum, merged.maximum) == (whole.count, whole.minimum, whole.maximum)
    assert math.isclose(merged.total, whole.total, rel_tol=1e-12)
    assert merged.sketch == whole.sketch


def test_there_are_no_percentiles_of_negative_values_or_of_unlike_statistic_sets() -> None:
    assert Datapoint.of([-1.0, 1.0]).percentile(50) is None
    assert Datapoint(10, 55, 1, 10).percentile(50) is None
    assert Datapoint(10, 50, 5, 5).percentile(50) == 5


def test_which_statistics_there_are() -> None:
    assert all(map(is_statistic, ("Sum", "p0", "p50", "p99.99", "p100")))
    assert not any(map(is_statistic, ("p101", "p", "p99.", "sum", "tm99", "")))


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 59), COLUMNS, min_size=1, max_size=60))
def test_what_is_packed_is_unpacked(values: dict[int, list[float]]) -> None:
    points = {offset: Datapoint.of(column) for offset, column in values.items()}
    columns, sketches = pack(points)
    block = unpack(columns)
    assert {offset: _facts(point) for offset, point in block.points(sketches).items()} == {
        offset: _facts(points[offset]) for offset in sorted(points)
    }


def test_counts_take_few_bytes() -> None:
    points = {offset: Datapoint.constant(1.0, offset + 1.0) for offset in range(60)}
    columns, _ = pack(points)
    assert len(columns) < 200
    assert summed(unpack(columns), 0, 60).total == sum(range(61))


def _facts(point: Datapoint) -> tuple[object, ...]:
    return point.count, point.total, point.minimum, point.maximum, point.sketch
