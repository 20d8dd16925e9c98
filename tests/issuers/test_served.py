"""Issuers and a server as a process of its own: added, used, lost, back and removed while it runs."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.issuers import minting
from tests.issuers.conftest import Issuers
from tests.issuers.minting import token
from tests.issuers.scene import BODY, HARBOUR_KEY, YARD_KEY
from tests.issuers.standin import StandIn, down
from tests.serving.place import OTHER_TENANT, TENANT, Place, control_id
from tests.serving.process import Server, free_port, running, stanchion

CONTROL = f"/v1.0/security/secureScoreControlProfiles/{control_id(0)}"


@pytest.fixture
def trusting(place: Place, issuers: Issuers) -> Place:
    """A place whose store trusts `harbour` for its first tenant."""
    add(place, issuers.harbour, TENANT)
    return place


@pytest.fixture
def server(trusting: Place, issuers: Issuers) -> Iterator[Server]:
    """A server of that place, to which the issuers' authority was named."""
    with running(trusting, environment={"SSL_CERT_FILE": str(issuers.authority)}) as started:
        yield started


def add(place: Place, standin: StandIn, tenant: str) -> None:
    """Add an issuer from the command line."""
    arguments = ("issuer", "add", standin.url, "--audience", "stanchion", "--tenant", tenant)
    added = stanchion(*arguments, *place.options, folder=place.folder)
    assert added.returncode == 0, added.stderr


def harbour_token(issuers: Issuers, **changes: object) -> str:
    """Return a token of `harbour` for the first tenant."""
    made = minting.generic(TENANT, "stanchion", kind="application", issuer=issuers.harbour.url)
    return token(minting.changed(made, **changes), HARBOUR_KEY)


def answer(server: Server, sent_token: str) -> httpx.Response:
    """Read a control with a token."""
    with server.client(sent_token) as client:
        return client.get(CONTROL)


def wait_until(server: Server, sent_token: str, status: int) -> None:
    """Wait until a token is answered so; how soon that is, the tests of the directory show by their clock."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if answer(server, sent_token).status_code == status:
            return
        time.sleep(0.05)
    raise AssertionError(f"It was never {status}: {answer(server, sent_token).text}")


def test_an_issuer_is_used_lost_and_removed_while_the_server_runs(
    server: Server, trusting: Place, issuers: Issuers
) -> None:
    good = harbour_token(issuers)
    with server.client(good) as client:
        assert client.patch(CONTROL, json=BODY).status_code == 204
        (update,) = client.get(CONTROL).json()["controlStateUpdates"]
    assert update["updatedBy"] == "service-account-nightly-report"
    assert issuers.harbour.key_requests == 2  # one by `issuer add`, which tries them, one by the server
    with down(issuers.harbour):
        assert answer(server, harbour_token(issuers, jti="while it is down")).status_code == 200

    yard = token(
        minting.generic(OTHER_TENANT, "stanchion", kind="application", issuer=issuers.yard.url), YARD_KEY
    )
    assert answer(server, yard).status_code == 401
    add(trusting, issuers.yard, OTHER_TENANT)
    wait_until(server, yard, 404)

    removed = stanchion("issuer", "remove", issuers.harbour.url, *trusting.options, folder=trusting.folder)
    assert removed.returncode == 0, removed.stderr
    wait_until(server, good, 401)
    assert answer(server, yard).status_code == 404
    assert good.rpartition(".")[2] not in server.log
    assert "Traceback" not in server.log


@pytest.mark.slow
def test_a_server_that_does_not_trust_the_issuer_s_certificate_says_so(
    trusting: Place, issuers: Issuers, tmp_path: Path
) -> None:
    with running(trusting, environment={"SSL_CERT_FILE": "", "SSL_CERT_DIR": str(tmp_path)}) as server:
        refused = answer(server, harbour_token(issuers))
        assert refused.status_code == 503
        assert "retry-after" in refused.headers
        assert answer(server, trusting.token).status_code == 200
        assert "SSL_CERT_FILE" in server.log
    assert issuers.harbour.key_requests == 1


@pytest.mark.slow
def test_a_store_that_trusts_graph_s_own_audience_is_not_served(trusting: Place) -> None:
    trusting.at.execute("UPDATE issuers SET audiences = $1", '["https://graph.microsoft.com"]')
    served = stanchion("serve", *trusting.options, "--port", str(free_port()), folder=trusting.folder)
    assert served.returncode == 1
    assert "Microsoft Graph's own" in served.stderr
    assert "stanchion issuer remove" in served.stderr
