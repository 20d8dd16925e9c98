"""The log: one line a request, with its request id and tenant, and nothing that would let anyone in."""

import logging
from collections.abc import Iterator
from typing import cast

import msgspec
import pytest

from stanchion.access.operator import AppWish, add_app
from stanchion.logs import HumanFormatter, JsonFormatter
from tests.conftest import MICROSOFT, OPERATOR, TENANT, Api, control

pytestmark = pytest.mark.anyio

CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
BODY = {"comment": "a comment nobody should log", "vendorInformation": MICROSOFT}


class Lines(logging.Handler):
    """Keeps each line in both forms, written when it happens as a server does."""

    def __init__(self) -> None:
        super().__init__()
        self.human: list[str] = []
        self.json: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # What the client of the tests logs is not the server's.
        if not record.name.startswith(("httpx", "httpcore")):
            self.human.append(HumanFormatter().format(record))
            self.json.append(JsonFormatter().format(record))

    def clear(self) -> None:
        self.human.clear()
        self.json.clear()

    @property
    def events(self) -> list[dict[str, object]]:
        return [cast("dict[str, object]", msgspec.json.decode(line)) for line in self.json]

    @property
    def text(self) -> str:
        return "\n".join(self.human + self.json)


@pytest.fixture
def lines() -> Iterator[Lines]:
    """All that is logged while a test runs, at the finest level."""
    root, kept = logging.getLogger(), Lines()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(kept)
    yield kept
    root.removeHandler(kept)
    root.setLevel(level)


def of_requests(lines: Lines) -> list[dict[str, object]]:
    return [event for event in lines.events if event["logger"] == "stanchion.request"]


async def test_a_request_is_one_line_with_its_id_tenant_and_app(api: Api, lines: Lines) -> None:
    api.add(control())
    for method, status in (("GET", 200), ("PATCH", 204)):
        lines.clear()
        reply = await api.send(method, CONTROL, json=BODY if method == "PATCH" else None)
        (event,) = of_requests(lines)
        assert event["message"] == f"{method} {CONTROL} {status}"
        assert event["level"] == "info"
        assert event["request_id"] == reply.headers["request-id"]
        assert event["tenant"] == TENANT
        assert event["app"] in {row.client_id for row in api.store.clients(TENANT)}
        assert isinstance(event["duration_ms"], float)
        assert event["bytes"] == len(reply.content)


@pytest.mark.parametrize(
    ("permission", "status", "tenant"), [("SecurityEvents.Read.All", 403, TENANT), (None, 401, None)]
)
async def test_refused_access_is_one_warning_that_says_why(
    api: Api, lines: Lines, *, permission: str | None, status: int, tenant: str | None
) -> None:
    headers = {} if permission is None else {"Authorization": f"Bearer {api.token(permission)}"}
    lines.clear()
    reply = await api.client.patch(CONTROL, json=BODY, headers=headers)
    (event,) = of_requests(lines)
    assert event["level"] == "warning"
    assert event["message"] == f"PATCH {CONTROL} {status}: {reply.json()['error']['message']}"
    assert event["status"] == status
    assert event.get("tenant") == tenant
    assert ("app" in event) == (tenant is not None)
    assert event["request_id"] == reply.headers["request-id"]


async def test_a_refused_host_and_a_refused_client_are_warnings(api: Api, lines: Lines) -> None:
    await api.client.get("/v1.0", headers={"Host": "elsewhere.example.com"})
    data = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b", "scope": "x/.default"}
    await api.client.post(f"/{TENANT}/oauth2/v2.0/token", data=data)
    host, client = of_requests(lines)
    assert (host["level"], client["level"]) == ("warning", "warning")
    assert str(host["message"]).startswith("GET /v1.0 421: This server does not speak for")
    refused = (
        f"POST /{TENANT}/oauth2/v2.0/token 401: AADSTS7000215: Invalid client id or client secret provided."
    )
    assert str(client["message"]).startswith(refused)


async def test_a_refusal_of_something_else_is_no_warning(api: Api, lines: Lines) -> None:
    await api.send("GET", "/v1.0/security/secureScores/unheard-of")
    (event,) = of_requests(lines)
    assert (event["level"], event["request_id"] != "") == ("info", True)


async def test_the_tenant_of_one_request_does_not_stay_for_the_next(api: Api, lines: Lines) -> None:
    await api.send("GET", "/v1.0/security/secureScores")
    await api.client.get("/v1.0")
    assert ["tenant" in event for event in of_requests(lines)] == [True, False]


async def test_no_token_secret_or_body_is_ever_logged(api: Api, lines: Lines) -> None:
    api.add(control())
    app = add_app(api.store, AppWish(TENANT, "client"), actor=OPERATOR)
    data = {
        "grant_type": "client_credentials",
        "client_id": app.app.client_id,
        "client_secret": app.secret,
        "scope": "x/.default",
    }
    answer = await api.client.post(f"/{TENANT}/oauth2/v2.0/token", data=data)
    fetched = answer.json()["access_token"]
    await api.client.post(f"/{TENANT}/oauth2/v2.0/token", data={**data, "client_secret": app.secret + "x"})
    await api.send("GET", CONTROL, token=fetched)
    await api.send("PATCH", CONTROL, json=BODY)
    await api.send("PATCH", CONTROL, token=fetched, json=BODY)
    for broken in (fetched[:-5] + "AAAAA", fetched + ".x", fetched.rpartition(".")[0]):
        assert (await api.send("GET", CONTROL, token=broken)).status_code == 401
    await api.client.get(CONTROL, headers={"Authorization": f"Basic {app.secret}"})
    # The answer to a bad body repeats what was wrong with it, the log does not.
    bad = await api.send("PATCH", CONTROL, json={**BODY, "state": "a state nobody should log"})
    assert "a state nobody should log" in bad.text
    await api.client.get(f"/v1.0?access_token={fetched}")
    assert of_requests(lines)
    hidden = [
        app.secret,
        BODY["comment"],
        "a state nobody should log",
        *fetched.split("."),
        *api.token().split(".")[1:],
    ]
    for secret in hidden:
        assert str(secret) not in lines.text


INJECTIONS = ["%0AWARNING%20forged", "%0D%0Aforged", "%1B[31mred", "%C2%85next", "\u2028line", "%00"]


@pytest.mark.parametrize("injected", INJECTIONS)
async def test_no_path_writes_a_line_of_its_own(api: Api, lines: Lines, injected: str) -> None:
    for path in (f"/{injected}", f"/v1.0/{injected}", f"/v1.0/security/secureScores/{injected}"):
        await api.send("GET", path)
        await api.client.get(path)
    assert len(of_requests(lines)) == 6
    assert all(line.isprintable() for line in lines.human + lines.json)


@pytest.mark.parametrize("injected", [b"a\x0b", b"a\x1b[31m", b"a\x85b", b"\xe2\x80\xa8"])
async def test_no_client_request_id_writes_a_line_of_its_own(api: Api, lines: Lines, injected: bytes) -> None:
    reply = await api.client.get("/nothing", headers=[(b"client-request-id", injected)])
    assert reply.headers["client-request-id"] == reply.headers["request-id"]
    assert len(of_requests(lines)) == 1
    assert all(line.isprintable() for line in lines.human + lines.json)


async def test_no_name_in_a_message_writes_a_line_of_its_own(api: Api, lines: Lines) -> None:
    api.add(control())
    await api.send("PATCH", CONTROL, json={"a\nforged line": 1, "vendorInformation": MICROSOFT})
    await api.client.get("/v1.0", headers=[(b"host", b"evil\x85host")])
    assert all(line.isprintable() for line in lines.human + lines.json)
