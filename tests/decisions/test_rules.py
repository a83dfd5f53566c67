"""Pure rules: retries, concurrency, capacity, transitions, log parsing, names, pages, signatures."""

import datetime
import re

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from lambdad.api.pagination import page_of
from lambdad.aws import sigv4
from lambdad.environments.capacity import Capacity
from lambdad.environments.states import TRANSITIONS, IllegalTransition, State, advance
from lambdad.errors import InvalidParameterValueException, TooManyRequestsException, Unauthorized
from lambdad.invocation.concurrency import Concurrency
from lambdad.invocation.retries import MAXIMUM_EVENT_AGE, Failure, GiveUp, Patience, RetryAt, decide, patience_of
from lambdad.resources.arn import resolve_function
from lambdad.resources.function import Function, FunctionKey
from lambdad.resources.function_settings import EventInvokeConfig, ProvisionedConcurrency
from lambdad.resources.token_buckets import TokenBuckets


def test_a_function_error_is_tried_three_times_in_all() -> None:
    first = decide(Failure.FUNCTION, Patience(), now=100.0, accepted=100.0, errors=0, throttles=0)
    assert first == RetryAt(160.0, 1, 0)
    assert decide(Failure.FUNCTION, Patience(), now=160.0, accepted=100.0, errors=1, throttles=0) == RetryAt(
        280.0, 2, 0
    )
    assert decide(Failure.FUNCTION, Patience(), now=280.0, accepted=100.0, errors=2, throttles=0) == GiveUp(
        "RetriesExhausted"
    )


def test_a_configuration_shortens_both() -> None:
    config = EventInvokeConfig(last_modified=0.0, maximum_retry_attempts=1, maximum_event_age=150)
    patience = patience_of(config)
    first = decide(Failure.FUNCTION, patience, now=100.0, accepted=100.0, errors=0, throttles=0)
    assert first == RetryAt(160.0, 1, 0)
    second = decide(Failure.FUNCTION, patience, now=160.0, accepted=100.0, errors=1, throttles=0)
    assert second == GiveUp("RetriesExhausted")
    again = decide(Failure.THROTTLE, patience, now=249.5, accepted=100.0, errors=0, throttles=7)
    assert again == RetryAt(249.5, 0, 8)
    late = decide(Failure.THROTTLE, patience, now=250.5, accepted=100.0, errors=0, throttles=0)
    assert late == GiveUp("EventAgeExceeded")
    assert patience_of(None) == patience_of(EventInvokeConfig(last_modified=0.0)) == Patience()


@given(st.integers(0, 60), st.floats(0, MAXIMUM_EVENT_AGE * 2))
def test_throttles_are_retried_for_six_hours_and_no_longer(throttles: int, age: float) -> None:
    decision = decide(Failure.THROTTLE, Patience(), now=age, accepted=0.0, errors=0, throttles=throttles)
    if age <= MAXIMUM_EVENT_AGE:
        assert decision == RetryAt(age, 0, throttles + 1)
    else:
        assert decision == GiveUp("EventAgeExceeded")


def test_system_errors_are_retried_after_growing_waits() -> None:
    """From one second to five minutes, until the event is too old: some seventy times."""
    now, waits = 1000.0, []
    for attempt in range(200):
        decision = decide(Failure.SYSTEM, Patience(), now=now, accepted=1000.0, errors=1, throttles=attempt)
        if isinstance(decision, GiveUp):
            break
        assert (decision.errors, decision.throttles) == (1, attempt + 1)
        waits.append(decision.due - now)
        now = decision.due
    assert decision == GiveUp("EventAgeExceeded")
    assert waits[:10] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0]
    assert set(waits[9:]) == {300.0}
    assert MAXIMUM_EVENT_AGE - 300 < sum(waits) <= MAXIMUM_EVENT_AGE


def test_concurrency_counts_accounts_and_regions_apart() -> None:
    concurrency = Concurrency(2)
    here, other_region, other_account = (FunctionKey(*place, "f") for place in (("1", "a"), ("1", "b"), ("2", "a")))
    for _ in range(2):
        concurrency.take(here, "1")
    with pytest.raises(TooManyRequestsException):
        concurrency.take(here, "1")
    concurrency.take(other_region, "1")
    concurrency.take(other_account, "1")
    concurrency.give_back(here, "1", provisioned=False)
    concurrency.take(here, "2")
    assert concurrency.used == 4


@given(
    st.integers(1, 50),
    st.floats(0.1, 100),
    st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 2)), max_size=80),
)
def test_a_bucket_gives_what_it_holds_and_what_has_come_since(
    size: int, per_second: float, steps: list[tuple[str, float]]
) -> None:
    buckets = TokenBuckets[str](size, per_second)
    now, taken = 0.0, {"a": 0, "b": 0}
    begun: dict[str, float] = {}
    for key, later in steps:
        now += later
        begun.setdefault(key, now)
        expected = buckets.has(key, now)
        allowed = buckets.take(key, now)
        assert allowed is expected
        taken[key] += allowed
        assert taken[key] <= size + (now - begun[key]) * per_second + 1e-6
        assert allowed or taken[key] + 1 > size


def test_no_rate_is_no_limit() -> None:
    assert all(TokenBuckets[str](0, 0).take("a", 0.0) for _ in range(5000))


class Ledger:
    """Concurrency as it should be: what is shared is counted anew each time. Only version 1 runs."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.leases: dict[str, list[bool]] = {"a": [], "b": [], "c": []}
        """What `take` has said of those that run: in provisioned concurrency?"""
        self.inside = dict.fromkeys("abc", 0)
        """Those that count as provisioned concurrency, and beside it."""
        self.beside = dict.fromkeys("abc", 0)
        self.reserved: dict[str, int] = {}
        self.provisioned: dict[str, int] = {}

    def take(self, name: str) -> bool | None:
        """As the real one; None when it is refused."""
        own = self.inside[name] < self.provisioned.get(name, 0)
        if name in self.reserved:
            room = self.beside[name] < self.reserved[name] - self.provisioned.get(name, 0)
        else:
            room = sum(self.beside[one] for one in "abc" if one not in self.reserved) < self.shared
        if not own and not room:
            return None
        self.leases[name].append(own)
        self.inside[name] += own
        self.beside[name] += not own
        return own

    def give_back(self, name: str) -> bool:
        own = self.leases[name].pop(0)
        inside = own and self.inside[name] > 0
        self.inside[name] -= inside
        self.beside[name] -= not inside
        return own

    def recount(self, name: str) -> None:
        """Fewer may be provisioned now than run so."""
        more = max(self.inside[name] - self.provisioned.get(name, 0), 0)
        self.inside[name] -= more
        self.beside[name] += more

    @property
    def shared(self) -> int:
        provisioned = sum(count for name, count in self.provisioned.items() if name not in self.reserved)
        return self.limit - sum(self.reserved.values()) - provisioned

    def function(self, key: FunctionKey) -> Function:
        config = ProvisionedConcurrency(requested=self.provisioned.get(key.name, 0), last_modified="")
        return Function(
            key=key,
            versions={},
            last_published=1,
            tags={},
            reserved_concurrency=self.reserved.get(key.name),
            provisioned_concurrency={"1": config} if key.name in self.provisioned else {},
        )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["take", "take", "give", "reserve", "provision", "clear"]),
            st.sampled_from("abc"),
            st.integers(0, 4),
        ),
        max_size=60,
    )
)
def test_reservations_may_change_while_functions_run(steps: list[tuple[str, str, int]]) -> None:
    concurrency, ledger = Concurrency(20), Ledger(20)
    for step, name, number in steps:
        key = FunctionKey("1", "a", name)
        if step == "take":
            wanted = ledger.take(name)
            if wanted is None:
                with pytest.raises(TooManyRequestsException):
                    concurrency.take(key, "1")
            else:
                assert concurrency.take(key, "1") is wanted
        elif step == "give":
            if ledger.leases[name]:
                concurrency.give_back(key, "1", ledger.give_back(name))
        else:
            if step == "reserve":
                ledger.reserved[name] = max(number, ledger.provisioned.get(name, 0))
            elif step == "provision":
                ledger.provisioned[name] = min(number, ledger.reserved.get(name, number))
            else:
                ledger.reserved.pop(name, None)
                ledger.provisioned.pop(name, None)
            concurrency.function_changed(key, None, ledger.function(key))
            ledger.recount(name)
        assert concurrency.used == sum(map(len, ledger.leases.values()))
        assert sum(use.running for *_, use in concurrency.provisioned()) == sum(ledger.inside.values())
        assert concurrency.unreserved("1", "a") == ledger.shared


@given(st.lists(st.tuples(st.sampled_from(["take", "give", "rest", "wake"]), st.integers(128, 4096))))
def test_capacity_never_forgets(steps: list[tuple[str, int]]) -> None:
    capacity = Capacity(5, 8192)
    busy: list[int] = []
    idle: list[int] = []
    for step, size in steps:
        if step == "take" and capacity.take(size):
            busy.append(size)
        elif step == "give" and busy:
            capacity.give_back(busy.pop())
        elif step == "rest" and busy:
            idle.append(busy.pop())
            capacity.rest(idle[-1], 5)
        elif step == "wake" and idle:
            busy.append(idle.pop())
            capacity.wake(busy[-1], 5)
        assert capacity.number == len(busy) + len(idle) <= 5
        assert capacity.memory_mb == sum(busy) + 5 * len(idle)


def test_the_transition_table_is_closed() -> None:
    assert set(TRANSITIONS) == set(State)
    for current in State:
        for wanted in State:
            if wanted in TRANSITIONS[current]:
                assert advance(current, wanted) is wanted
            else:
                with pytest.raises(IllegalTransition):
                    advance(current, wanted)


@pytest.mark.parametrize(
    "prefix", ["", "function:", "123456789012:function:", "arn:aws:lambda:eu-west-1:123456789012:function:"]
)
@pytest.mark.parametrize(
    ("suffix", "parameter", "expected"), [("", None, None), (":1", None, "1"), ("", "2", "2"), (":3", "3", "3")]
)
def test_names(prefix: str, suffix: str, parameter: str | None, expected: str | None) -> None:
    key, qualifier = resolve_function(f"{prefix}my-function{suffix}", parameter, "123456789012", "eu-west-1")
    assert key.arn == "arn:aws:lambda:eu-west-1:123456789012:function:my-function"
    assert qualifier == expected


def test_two_qualifiers() -> None:
    with pytest.raises(InvalidParameterValueException, match="derived qualifier"):
        resolve_function("f:1", "2", "123456789012", "eu-west-1")


def number(item: int) -> tuple[str, int]:
    return "f", item


@given(st.sets(st.integers(-1, 10_000)), st.integers(1, 10_000))
def test_pages_give_everything_once(items: set[int], most: int) -> None:
    got: list[int] = []
    marker: str | None = None
    while True:
        page, marker = page_of(sorted(items), number, marker, most)
        got += page
        if marker is None:
            break
    assert got == sorted(items)


@given(st.sets(st.integers(-1, 10_000)), st.integers(1, 50))
def test_who_deletes_every_page_deletes_everything(items: set[int], most: int) -> None:
    left = set(items)
    marker: str | None = None
    while True:
        page, marker = page_of(sorted(left), number, marker, most)
        left -= set(page)
        if marker is None:
            break
    assert not left


@pytest.mark.parametrize("marker", ["x", "ZnJvbSB4", "é", "WzEsMl0=", "WyJhIl0="])
def test_a_marker_of_someone_else(marker: str) -> None:
    with pytest.raises(InvalidParameterValueException):
        page_of([1], number, marker, None)


NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


def signed(path: str, body: bytes, secret: str = "secret") -> AWSRequest:
    request = AWSRequest("POST", f"http://127.0.0.1:4566{path}", data=body, headers={"Host": "127.0.0.1:4566"})
    request.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
    SigV4Auth(Credentials("AKID", secret), "lambda", "eu-west-1").add_auth(request)
    return request


def verify(request: AWSRequest, body: bytes, path: str, later: float = 0.0) -> None:
    headers = {name.lower().encode(): str(value).encode() for name, value in request.headers.items()}
    now = datetime.datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    sigv4.verify("POST", path, headers, body, {"AKID": "secret"}.get, now.timestamp() + later)


PATHS = ["/", "/2015-03-31/functions", "/2015-03-31/functions/a%3Ab/x", "/a?b=c&a=1", "/a?x=%2F%20&x=1&empty=", "/ü"]


@pytest.mark.parametrize("path", PATHS[:5])
def test_signatures_of_botocore_hold(path: str) -> None:
    verify(signed(path, b"{}"), b"{}", path)


def test_signatures_that_do_not_hold() -> None:
    path = "/2015-03-31/functions"
    for request, body, later in (
        (signed(path, b"{}"), b"{ }", 0.0),
        (signed(path, b"{}", "other"), b"{}", 0.0),
        (signed(path, b"{}"), b"{}", 3600.0),
    ):
        with pytest.raises(Unauthorized):
            verify(request, body, path, later)


def test_a_signature_covers_the_host() -> None:
    request = signed("/", b"")
    authorization = str(request.headers["Authorization"])
    fields = re.sub("SignedHeaders=[^,]*", "SignedHeaders=x-amz-date", authorization)
    with pytest.raises(Unauthorized, match="must be a 'SignedHeader'"):
        sigv4.read_unverified("/", {b"authorization": fields.encode()})
    scope = sigv4.read_unverified("/", {b"authorization": authorization.encode()})
    assert (scope.access_key, scope.region) == ("AKID", "eu-west-1")
    sigv4.check_service(scope, "lambda", "eu-west-1")
    for service, region in (("s3", "eu-west-1"), ("lambda", "us-east-1")):
        with pytest.raises(Unauthorized, match="scoped to"):
            sigv4.check_service(scope, service, region)


@pytest.mark.parametrize(
    ("target", "authorization"),
    [
        ("/", b""),
        ("/", b"Basic abc"),
        ("/", b"AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=0"),
        ("/", b"AWS4-HMAC-SHA256 Credential=AKID/20260102/r/s/aws4_request, SignedHeaders=host;\xff, Signature=\xff"),
        ("/?X-Amz-Signature=%ff", b""),
        (
            "/?X-Amz-Signature=1&X-Amz-Credential=AKID/1/r/s/aws4_request&X-Amz-SignedHeaders=host&X-Amz-Expires=%C2%B2",
            b"",
        ),
    ],
)
def test_signatures_that_are_none(target: str, authorization: bytes) -> None:
    headers = {
        b"authorization": authorization,
        b"x-amz-date": NOW.strftime("%Y%m%dT%H%M%SZ").encode(),
        b"\xff": b"\xff",
    }
    with pytest.raises(Unauthorized):
        sigv4.verify("GET", target, headers, b"", {"AKID": "secret"}.get, NOW.timestamp())


def test_the_scope_of_a_request() -> None:
    scope = sigv4.scope_of("123456789012/20260101/eu-west-1/lambda/aws4_request", "us-east-1")
    assert (scope.account, scope.region, scope.service) == ("123456789012", "eu-west-1", "lambda")
    assert sigv4.scope_of("AKID/20260101/eu-west-1/lambda/aws4_request", "us-east-1").account == "000000000000"
    assert sigv4.scope_of("", "us-west-2").region == "us-west-2"
