"""The trace that a caller sends stands in the log, as far as it is one, and changes nothing else."""

import logging

import msgspec
import pytest

from stanchion.logs import CallerSpan, HumanFormatter, JsonFormatter, Trace, trace
from stanchion.web.trace_context import MAX_CHARACTERS, caller_span
from tests.conftest import Api, control
from tests.web.batching import CONTROLS, get, sent

pytestmark = pytest.mark.anyio

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{SPAN}-01"
SAMPLED = CallerSpan(TRACE, SPAN, "01")
FIELDS = {"trace_id": TRACE, "span_id": SPAN, "trace_flags": "01"}
ANOTHER = f"00-{'a' * 32}-{'b' * 16}-00"


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (SENT, SAMPLED),
        (f" {SENT}\t", SAMPLED),
        (f"00-{TRACE}-{SPAN}-00", CallerSpan(TRACE, SPAN, "00")),
        (f"00-{TRACE}-{SPAN}-03", SAMPLED),
        (f"00-{TRACE}-{SPAN}-fe", CallerSpan(TRACE, SPAN, "00")),
        # Versions to come have these four fields, and others behind them.
        (f"cc-{TRACE}-{SPAN}-01", SAMPLED),
        (f"cc-{TRACE}-{SPAN}-01-", SAMPLED),
        (f"01-{TRACE}-{SPAN}-01-what the future brings", SAMPLED),
    ],
)
def test_a_span_is_read_as_its_version_says(header: str, span: CallerSpan) -> None:
    assert caller_span(header) == span


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-001",
        f"00-{TRACE}-{SPAN}-01-",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01.",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"ff-{TRACE}-{SPAN}-01",
        f"FF-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"000-{TRACE}-{SPAN}-01",
        f"0x-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-01",
        f"00-{TRACE}-{SPAN}-0A",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f"00-{TRACE}-{SPAN[1:]}-01",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"00-{TRACE[:-1]}\u0663-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
        # Several headers come joined, and none of them counts.
        f"{SENT}, {SENT}",
        f"01-{TRACE}-{SPAN}-01-more, {SENT}",
        f"{SENT}\n",
        f"01-{TRACE}-{SPAN}-01-" + "x" * MAX_CHARACTERS,
    ],
)
def test_what_breaks_a_rule_is_no_span(header: str) -> None:
    assert caller_span(header) is None


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "stanchion.request")
    return caplog


def last_lines(caplog: pytest.LogCaptureFixture) -> tuple[dict[str, object], str]:
    """Return the newest line of a request, in both forms."""
    record = [each for each in caplog.records if each.name == "stanchion.request"][-1]
    as_json = JsonFormatter().format(record)
    return msgspec.json.decode(as_json, type=dict[str, object]), HumanFormatter().format(record)


@pytest.mark.parametrize(("path", "status"), [("/v1.0/security/secureScores", 200), ("/v1.0/nothing", 400)])
async def test_a_line_has_the_span_of_its_caller_in_both_forms(
    api: Api, lines: pytest.LogCaptureFixture, *, path: str, status: int
) -> None:
    reply = await api.send("GET", path, headers={"traceparent": SENT, "tracestate": "rojo=00f067"})
    assert reply.status_code == status
    as_json, as_text = last_lines(lines)
    assert {name: as_json.get(name) for name in FIELDS} == FIELDS
    assert f"trace_id={TRACE} span_id={SPAN} trace_flags=01" in as_text
    assert "rojo" not in lines.text + as_text
    assert not {name for name in reply.headers if name.startswith("trace")}


async def test_a_line_of_denied_access_has_it_too(api: Api, lines: pytest.LogCaptureFixture) -> None:
    reply = await api.client.get("/v1.0/security/secureScores", headers={"traceparent": SENT})
    assert reply.status_code == 401
    as_json, _ = last_lines(lines)
    assert {name: as_json.get(name) for name in FIELDS} == FIELDS
    assert as_json["reason"] == "no_token"


@pytest.mark.parametrize("header", [None, "", "nothing of the kind", f"{SENT}\u0085{SENT}"])
async def test_without_a_span_a_line_has_none_of_its_fields(
    api: Api, lines: pytest.LogCaptureFixture, *, header: str | None
) -> None:
    headers = [] if header is None else [(b"traceparent", header.encode("latin-1"))]
    reply = await api.client.get("/healthz", headers=headers)
    assert reply.status_code == 200
    as_json, as_text = last_lines(lines)
    assert not set(as_json) & set(FIELDS)
    assert "trace_id" not in as_text


async def test_several_headers_count_as_none(api: Api, lines: pytest.LogCaptureFixture) -> None:
    await api.client.get("/healthz", headers=[("traceparent", SENT), ("traceparent", SENT)])
    assert not set(last_lines(lines)[0]) & set(FIELDS)


async def test_the_span_of_one_request_does_not_stay_for_the_next(
    api: Api, lines: pytest.LogCaptureFixture
) -> None:
    await api.client.get("/healthz", headers={"traceparent": SENT})
    await api.client.get("/healthz")
    assert not set(last_lines(lines)[0]) & set(FIELDS)


async def test_a_request_of_a_batch_has_the_span_that_it_names_else_the_batch_s(
    api: Api, lines: pytest.LogCaptureFixture
) -> None:
    api.add(control("C1"))
    requests = [
        get(1, f"{CONTROLS}/C1"),
        get(2, f"{CONTROLS}/C1", headers={"Traceparent": ANOTHER}),
        get(3, f"{CONTROLS}/C1", headers={"traceparent": "nothing of the kind"}),
    ]
    reply = await sent(api, *requests, traceparent=SENT)
    ids = [answer["headers"]["request-id"] for answer in reply.json()["responses"]]
    traces = {
        vars(record)["request_id"]: vars(record)["trace_id"]
        for record in lines.records
        if record.name == "stanchion.request"
    }
    assert [traces[id] for id in ids] == [TRACE, "a" * 32, TRACE]
    assert traces[reply.headers["request-id"]] == TRACE


def test_what_is_logged_while_a_request_is_answered_has_the_span() -> None:
    token = trace.set(Trace("an id", sent_in=SAMPLED))
    try:
        line = JsonFormatter().format(logging.makeLogRecord({"msg": "something", "name": "stanchion.store"}))
    finally:
        trace.reset(token)
    fields = msgspec.json.decode(line, type=dict[str, object])
    assert {name: fields.get(name) for name in FIELDS} == FIELDS
