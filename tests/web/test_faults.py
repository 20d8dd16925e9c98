"""Faults of our own: the caller learns that there is one, the log learns which."""

import logging

import httpx
import pytest

from stanchion.access.origin import Origins
from stanchion.errors import NotImplementedFeature, OperatorError, ServiceUnavailable, StanchionError
from stanchion.settings import Settings
from stanchion.web.edge import Edge
from stanchion.web.exchange import Reply, Request
from stanchion.web.metrics import Tally
from stanchion.web.request_log import RequestLog

pytestmark = pytest.mark.anyio


async def ask(error: Exception) -> httpx.Response:
    """Return what an edge answers whose handler raises an error."""

    async def handler(request: Request, origin: str) -> Reply:
        assert (request.path, origin) == (b"/v1.0", "http://localhost:8080")
        raise error

    async def stop() -> None:
        pass

    edge = Edge(
        handler,
        operations=lambda _: None,
        origins=Origins(),
        settings=Settings(),
        log=RequestLog(Tally(), client_address=lambda _: ""),
        on_stop=stop,
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(edge), base_url="http://localhost:8080"
    ) as client:
        return await client.get("/v1.0")


@pytest.mark.parametrize(
    "error", [OperatorError("/srv/secret/place.db is lost."), RuntimeError("/srv/secret")]
)
async def test_a_fault_of_our_own_is_told_to_the_log_alone(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await ask(error)
    assert reply.status_code == 500
    assert "secret" not in reply.text
    assert "request id" in reply.json()["error"]["message"]
    (record,) = [record for record in caplog.records if record.exc_info is not None]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[1] is error


@pytest.mark.parametrize(
    "error", [ServiceUnavailable("The disk is full."), NotImplementedFeature("Not offered.")]
)
async def test_what_the_server_cannot_do_is_a_warning_with_the_reason(
    error: StanchionError, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await ask(error)
    (record,) = [record for record in caplog.records if record.name == "stanchion.request"]
    assert record.levelno == logging.WARNING
    assert record.getMessage() == f"GET /v1.0 {reply.status_code}: {error.message}"
