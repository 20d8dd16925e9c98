"""The yardstick: a bare ASGI application on the same HTTP server that sends the same headers and bytes.

It reads the body of a PATCH or a POST and does nothing else.
"""

import json
import os
from pathlib import Path

from starlette.types import Receive, Scope, Send

_recorded = json.loads(Path(os.environ["BENCH_ANSWER"]).read_text())
_STATUS = int(_recorded["status"])
_HEADERS = [(name.encode(), value.encode()) for name, value in _recorded["headers"]]
_BODY = _recorded["body"].encode()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer every request the same."""
    if scope["method"] in {"PATCH", "POST"}:
        while (await receive()).get("more_body", False):
            pass
    await send({"type": "http.response.start", "status": _STATUS, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})
