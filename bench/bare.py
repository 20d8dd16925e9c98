"""The yardstick: a bare ASGI application on the same server that sends the same headers and bytes, and does nothing.

GET sends the recorded reply of the product; PATCH reads the body and answers 204.
"""

import json
import os
from pathlib import Path

from starlette.types import Receive, Scope, Send

_recorded = json.loads(Path(os.environ["BENCH_REPLY"]).read_text())
_HEADERS = [(name.encode(), value.encode()) for name, value in _recorded["headers"]]
_BODY = _recorded["body"].encode()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer every request the same."""
    if scope["method"] == "PATCH":
        while (await receive()).get("more_body", False):
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})
