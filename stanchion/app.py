"""The composition root: nothing else builds the parts of the server.

A serving process opens its store after it was forked, and closes it once the last request was answered.
"""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from stanchion.access.attempts import FailedAttempts
from stanchion.access.caller import Caller
from stanchion.access.directory import Directory
from stanchion.access.issuer import Issuer
from stanchion.access.issuer_document import prepare_to_fetch
from stanchion.access.origin import Origins
from stanchion.access.token import TokenVerifier
from stanchion.access.token_endpoint import TokenEndpoint
from stanchion.settings import Settings
from stanchion.store import ServedStore, SQLiteStore
from stanchion.store.connection import database_path
from stanchion.web.arrival import arrival
from stanchion.web.chain_watch import ChainWatch
from stanchion.web.edge import Edge
from stanchion.web.exchange import Request
from stanchion.web.familiar import FamiliarReads
from stanchion.web.graph import GraphRoots
from stanchion.web.issuer import IssuerPages
from stanchion.web.metrics import Sources, Tally
from stanchion.web.operations import Operations
from stanchion.web.operations_listener import OperationsListener
from stanchion.web.request_log import RequestLog
from stanchion.web.surfaces import Surfaces
from stanchion.web.throttle import GRAPH, Throttle

if TYPE_CHECKING:
    from stanchion.store import PostgresStore
    from stanchion.store.retention_pass import RetentionPass


# Much longer than to look a token up, and little beside the second for which the directory is kept.
_LOOK_UP_SECONDS = 0.05


def open_store(
    settings: Settings, *, serving: bool = False, create: bool = True
) -> "SQLiteStore | PostgresStore":
    """Open the database that the settings name; raises OperatorError where it cannot be used."""
    if on_postgresql(settings):
        # Its driver is not for those who serve from SQLite.
        from stanchion.store.postgresql.store import PostgresStore

        return PostgresStore.open(
            settings.database,
            serving=serving,
            statement_seconds=settings.statement_timeout_seconds,
            connections=settings.database_connections,
        )
    return SQLiteStore.open(
        settings.database,
        serving=serving,
        create=create,
        statement_seconds=settings.statement_timeout_seconds,
    )


def on_postgresql(settings: Settings) -> bool:
    """Say whether the settings name a PostgreSQL database."""
    return settings.database.startswith(("postgresql://", "postgres://"))


def key_file(settings: Settings) -> Path:
    """Return where the key is that seals signing keys: as set, else beside the SQLite file, or where we work."""
    if settings.key_file is not None:
        return Path(settings.key_file)
    if on_postgresql(settings):
        return Path("stanchion.key")
    return Path(f"{database_file(settings)}.key")


def database_file(settings: Settings) -> Path:
    """Return the SQLite file; through whichever link it is named, its lock and its key lie in one place."""
    # Of links in a circle, pathlib makes an error of its own.
    return Path(os.path.realpath(database_path(settings.database)))


def build_server(store: ServedStore, settings: Settings, *, operations: socket.socket | None = None) -> Edge:
    """Return the ASGI application that serves a store, in which there is a signing key already.

    Whoever connects to `operations` is shown the metrics.
    """
    origins = Origins(settings.public_url, trusted_proxies=settings.trusted_proxy)
    directory = Directory(store, clock=time.monotonic)
    verifier = TokenVerifier(directory, origins=origins, store_id=store.store_id)
    if directory.issuers():
        prepare_to_fetch()
    issuer = Issuer(directory, key_file=key_file(settings))

    def known(request: Request) -> Caller | None:
        # What would wait for the database is not tried here.
        if store.reads_wait and not directory.is_fresh_for(_LOOK_UP_SECONDS):
            return None
        return verifier.known(request.authorization, now_seconds=time.time())

    def authenticate(request: Request) -> Caller | Awaitable[Caller]:
        sent = request.authorization
        return known(request) or store.inlined(verifier.caller(sent, now_seconds=time.time()))

    sources = Sources(Tally(), store, verifier, directory, ChainWatch(store.chain_heads))
    log = RequestLog(sources.tally, client_address=lambda request: origins.client_address(arrival(request)))
    health = Operations(store, metrics=partial(_metrics_text, sources), look=sources.chains.look)
    listener = None if operations is None else OperationsListener(operations, health.answer_privately)
    endpoint = TokenEndpoint(directory, issuer, origins=origins, attempts=FailedAttempts())
    surfaces = Surfaces(
        GraphRoots(
            store,
            authenticate=authenticate,
            settings=settings,
            is_own=origins.includes,
            log=log,
            throttle=Throttle(GRAPH, clock=time.monotonic) if settings.throttle == "graph" else None,
        ),
        IssuerPages(
            issuer,
            endpoint,
            origins=origins,
            timeout_seconds=settings.request_timeout_seconds,
            inline=store.inline,
        ),
        authenticate=authenticate,
    )

    beside = _Beside(store, listener, sources.chains, _retention(settings))
    return Edge(
        surfaces,
        operations=health.answer,
        origins=origins,
        settings=settings,
        log=log,
        reads=None if settings.throttle == "graph" else FamiliarReads(store, known=known, settings=settings),
        on_start=beside.start,
        on_stop=beside.stop,
    )


@dataclass(frozen=True)
class _Beside:
    """What runs beside the requests, and ends with them."""

    store: ServedStore
    listener: OperationsListener | None
    chains: ChainWatch
    retention: "RetentionPass | None"

    async def start(self) -> None:
        """Begin, before the first request."""
        if self.listener is not None:
            await self.listener.start()
        if self.retention is not None:
            self.retention.start()

    async def stop(self) -> None:
        """End, after the last one."""
        if self.retention is not None:
            await asyncio.to_thread(self.retention.stop)
        if self.listener is not None:
            await self.listener.stop()
        await self.chains.stop()
        await self.store.close()


def _retention(settings: Settings) -> "RetentionPass | None":
    if not settings.retention_days:
        return None
    from stanchion.store.retention_pass import RetentionPass

    return RetentionPass(lambda: open_store(settings, create=False), days=settings.retention_days)


def _metrics_text(sources: Sources) -> bytes:
    # A library for those who are watched.
    from stanchion.web.metrics_text import metrics_text

    return metrics_text(sources)
