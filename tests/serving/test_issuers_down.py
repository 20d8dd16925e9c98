"""A server whose issuer is down or hangs: it starts, answers everybody else, and ends."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from tests.cli.invoking import invoke
from tests.issuers.minting import generic, rsa, token
from tests.serving.place import TENANT, Place, control_id
from tests.serving.process import PATIENCE_SECONDS, STANCHION, free_port, running

CONTROL = f"/v1.0/security/secureScoreControlProfiles/{control_id(0)}"
ISSUER = "https://localhost/realms/quay"
KEY = rsa("quay", "key-1")
# Waits longer for the keys of an issuer, so that it still does when everybody else has been answered.
FETCHING_FOR_LONG = (
    STANCHION[0],
    "-c",
    f"from stanchion.access import issuer_document; issuer_document.FETCH_SECONDS = 20.0; {STANCHION[2]}",
)


@pytest.fixture
def keys_port(place: Place) -> int:
    """The port where the keys of the place's issuer should be; nobody listens there."""
    port = free_port()
    keys = ("--keys-url", f"https://127.0.0.1:{port}/keys", "--keys-host", f"127.0.0.1:{port}")
    wish = (ISSUER, "--audience", "stanchion", "--tenant", TENANT, *keys)
    added = invoke("issuer", "add", *wish, *place.options)
    assert added.exit_code == 0, added.output
    return port


def outside_token() -> str:
    """Return a good token of the issuer."""
    return token(generic(TENANT, "stanchion", kind="application", issuer=ISSUER), KEY)


@contextmanager
def silence(port: int) -> Iterator[Callable[[], socket.socket]]:
    """Listen and say nothing; what is given waits for a connection and takes it."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(PATIENCE_SECONDS)
        yield lambda: listener.accept()[0]


@pytest.mark.usefixtures("keys_port")
def test_a_server_whose_issuer_is_down_starts_and_answers_everybody_else(place: Place) -> None:
    with (
        running(place) as server,
        server.client(place.token) as ours,
        server.client(outside_token()) as theirs,
    ):
        assert ours.get(CONTROL).status_code == 200
        refused = theirs.get(CONTROL)
        assert refused.status_code == 503
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.json()["error"]["code"] == "ServiceUnavailable"
        assert ours.get(CONTROL).status_code == 200
        assert server.log.count("were not renewed") == 1
        assert server.stop() == 0
        assert "Traceback" not in server.log


@pytest.mark.slow
def test_a_server_whose_issuer_hangs_answers_everybody_else_and_ends(place: Place, keys_port: int) -> None:
    with (
        silence(keys_port) as asked,
        running(place, program=FETCHING_FOR_LONG) as server,
        server.client(place.token) as ours,
    ):
        waiting = threading.Thread(target=_ask, args=(server.client(outside_token()),))
        waiting.start()
        with asked():
            assert ours.get(CONTROL).status_code == 200
            assert waiting.is_alive()
            assert server.stop() == 0
        waiting.join(timeout=PATIENCE_SECONDS)
        assert "Traceback" not in server.log
        assert "Task" not in server.log


def _ask(client: httpx.Client) -> None:
    with client, suppress(httpx.HTTPError):
        client.get(CONTROL)
