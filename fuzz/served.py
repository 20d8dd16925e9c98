"""A server in this process that is sent what fuzzing makes up, and may answer anything but a fault of its own."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

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
        self._loop = asyncio.new_event_loop()

    def __call__(self, data: bytes) -> None:
        """Send a request: method, address, one header and body, parted by NUL."""
        parts = data.split(b"\x00", _PARTS - 1)
        method, address, header, body = [*parts, *[b""] * (_PARTS - len(parts))]
        status = self._loop.run_until_complete(self._status(method, address, header, body))
        if status >= _FIRST_FAULT and status != _NOT_IMPLEMENTED:
            raise AssertionError(f"{status} for {data!r}")

    async def _status(self, method: bytes, address: bytes, header: bytes, body: bytes) -> int:
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
        status: int = sent[0]["status"]
        return status
