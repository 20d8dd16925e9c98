"""The log of a batch: a line for each of its requests with the batch's id, and one for the batch itself."""

import logging

import pytest

from stanchion.logs import JsonFormatter, Trace, trace
from tests.conftest import TENANT, Api, control
from tests.web.batching import CONTROLS, get, patch, sent

pytestmark = pytest.mark.anyio


async def test_each_request_is_logged_with_its_own_id_and_the_batch_s(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.add(control("C1"))
    requests = [
        get(1, f"{CONTROLS}/C1?$select=id"),
        patch(2, "C1"),
        get(3, "https://evil.example.com/v1.0?secret"),
    ]
    token = api.token("SecurityEvents.Read.All")
    with caplog.at_level(logging.INFO, "stanchion.request"):
        reply = await sent(api, *requests, token=token)
    lines = [vars(record) for record in caplog.records if record.name == "stanchion.request"]
    answers = {answer["headers"]["request-id"]: answer for answer in reply.json()["responses"]}
    batch = reply.headers["request-id"]
    *items, last = lines
    assert last["message"] == "POST /v1.0/$batch 200"
    assert (last["request_id"], "batch" in last, last["tenant"]) == (batch, False, TENANT)
    assert {line["request_id"] for line in items} == set(answers)
    for line in items:
        assert (line["batch"], line["tenant"], line["app"]) == (batch, TENANT, last["app"])
        assert line["status"] == answers[line["request_id"]]["status"]
    said = sorted(line["message"] for line in items)
    assert said[0] == "GET /v1.0/$batch 400"
    assert said[1] == f"GET /v1.0{CONTROLS}/C1 200"
    assert said[2].startswith(f"PATCH /v1.0{CONTROLS}/C1 403: Auth token")
    assert "secret" not in caplog.text


def test_what_is_logged_while_a_request_of_a_batch_is_answered_has_both_ids() -> None:
    token = trace.set(Trace("an id", "a tenant", "a batch", "an app"))
    try:
        record = logging.makeLogRecord({"msg": "something", "name": "stanchion.store"})
        line = JsonFormatter().format(record)
    finally:
        trace.reset(token)
    assert line.endswith('"request_id":"an id","tenant":"a tenant","app":"an app","batch":"a batch"}')
