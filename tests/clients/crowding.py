"""All turns of an app taken, for as long as a test likes: requests whose bodies do not come."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPSConnection

from tests.serving.place import control_id
from tests.serving.process import Server

# Graph lets four run at once.
AT_ONCE = 4
_PATH = f"/v1.0/security/secureScoreControlProfiles/{control_id(0)}"
_BODY = b"{}"
_PATIENCE_SECONDS = 60


@contextmanager
def crowded(server: Server, token: str) -> Iterator[None]:
    """Have as many requests of an app under way as may be, until the end of the block, and then let them end."""
    with ExitStack() as open_until_then:
        waiting = [open_until_then.enter_context(closing(_unfinished(server, token))) for _ in range(AT_ONCE)]
        _wait_until_refused(server, token)
        yield
        for connection in waiting:
            connection.send(_BODY)
            connection.getresponse().read()


def _unfinished(server: Server, token: str) -> HTTPSConnection:
    assert server.tls is not None
    connection = HTTPSConnection(
        "localhost", server.port, timeout=_PATIENCE_SECONDS, context=server.tls.trust()
    )
    connection.putrequest("PATCH", _PATH)
    for name, value in {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Content-Length": str(len(_BODY)),
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection


def _wait_until_refused(server: Server, token: str) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    with server.client(token) as client:
        while (answer := client.get(_PATH)).status_code != 429:
            assert time.monotonic() < end, "Requests without bodies do not count."
    assert json.loads(answer.content)["error"]["code"] == "TooManyRequests"
