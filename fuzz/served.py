"""A server in this process that is sent what fuzzing makes up, and may answer anything but a fault of its own."""

import json
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz.target import event_loop, parted
from stanchion.access.operator import AppWish, add_app, add_tenant
from stanchion.access.operator_token import TokenWish, issue_token
from stanchion.app import build_server, key_file
from stanchion.ledger.changes import Operator
from stanchion.settings import Settings
from stanchion.store import SQLiteStore

if TYPE_CHECKING:
    from starlette.types import Message

TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
_NOT_IMPLEMENTED = 501
_FIRST_FAULT = 500
_PARTS = 4
# What would end a header field, or a line of a log.
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Served:
    """A server in this process, with a store of its own."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="stanchion-fuzz-"))
        settings = Settings(database=f"sqlite:///{folder}/fuzz.db")
        operator = Operator("fuzz")
        store = SQLiteStore.open(settings.database, serving=True)
        add_tenant(store, TENANT, name="Fuzz", actor=operator)
        app = add_app(
            store, AppWish(TENANT, "fuzz", permissions=("SecurityEvents.ReadWrite.All",)), actor=operator
        ).app
        # Good for an hour, which bounds how long one process may run.
        issued = issue_token(
            store,
            TokenWish(TENANT, app.client_id),
            key_file=key_file(settings),
            actor=operator,
            now_seconds=int(time.time()),
        )
        self._authorization = f"Bearer {issued.token}".encode()
        self._server = build_server(store, settings)

    def __call__(self, data: bytes) -> None:
        """Send a request: method, address, one header and body, parted by NUL."""
        method, address, header, body = parted(data, _PARTS)
        start, content = event_loop().run_until_complete(self._answer(method, address, header, body))
        status: int = start["status"]
        assert status < _FIRST_FAULT or status == _NOT_IMPLEMENTED, status
        fields = dict(start["headers"])
        assert not any(_CONTROLS.search(name + value) for name, value in fields.items()), fields
        kind = fields.get(b"content-type", b"").partition(b";")[0]
        if kind == b"application/json" and b"content-encoding" not in fields and content:
            json.loads(content)

    async def _answer(
        self, method: bytes, address: bytes, header: bytes, body: bytes
    ) -> tuple["Message", bytes]:
        path, _, query = address.partition(b"?")
        name, _, value = header.partition(b":")
        headers = [
            (b"host", b"127.0.0.1:8080"),
            (b"authorization", self._authorization),
            (b"content-length", b"%d" % len(body)),
            (name.strip().lower(), value.strip()),
        ]
        sent: list[Message] = []

        async def receive() -> "Message":
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: "Message") -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method.decode("latin-1"),
            "scheme": "http",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "headers": headers,
            "client": ("127.0.0.1", 1),
        }
        await self._server(scope, receive, send)
        return sent[0], sent[1]["body"]
