"""The composition root: nothing else builds the parts of the server.

A serving process opens its store after it was forked, and closes it once the last request was answered.
"""

import asyncio
import os
import time
from collections.abc import Awaitable
from pathlib import Path

from stanchion.access.attempts import FailedAttempts
from stanchion.access.caller import Caller
from stanchion.access.directory import Directory
from stanchion.access.issuer import Issuer
from stanchion.access.issuer_document import prepare_to_fetch
from stanchion.access.origin import Origins
from stanchion.access.token import TokenVerifier
from stanchion.access.token_endpoint import TokenEndpoint
from stanchion.settings import Settings
from stanchion.store import SQLiteStore
from stanchion.store.connection import database_path
from stanchion.web.edge import Edge
from stanchion.web.exchange import Request
from stanchion.web.graph import GraphRoots
from stanchion.web.issuer import IssuerPages
from stanchion.web.operations import Operations
from stanchion.web.surfaces import Surfaces
from stanchion.web.throttle import GRAPH, Throttle


def open_store(settings: Settings, *, serving: bool = False, create: bool = True) -> SQLiteStore:
    """Open the database that the settings name; raises OperatorError where it cannot be used."""
    return SQLiteStore.open(
        settings.database,
        serving=serving,
        create=create,
        statement_seconds=settings.statement_timeout_seconds,
    )


def migrate_database(database: str) -> None:
    """Bring a database's schema up to date, making a SQLite file that is not there."""
    if database.startswith(("postgresql://", "postgres://")):
        # Its driver and engine are not for those who serve from SQLite.
        from stanchion.store.postgres import migrate_postgresql

        asyncio.run(migrate_postgresql(database))
    else:
        SQLiteStore.open(database).close_now()


def key_file(settings: Settings) -> Path:
    """Return where the key is that seals signing keys: as set, else beside the SQLite file itself."""
    if settings.key_file is not None:
        return Path(settings.key_file)
    return Path(f"{database_file(settings)}.key")


def database_file(settings: Settings) -> Path:
    """Return the SQLite file; through whichever link it is named, its lock and its key lie in one place."""
    # Of links in a circle, pathlib makes an error of its own.
    return Path(os.path.realpath(database_path(settings.database)))


def build_server(store: SQLiteStore, settings: Settings) -> Edge:
    """Return the ASGI application that serves a store, in which there is a signing key already."""
    origins = Origins(settings.public_url, trusted_proxies=settings.trusted_proxy)
    directory = Directory(store, clock=time.monotonic)
    verifier = TokenVerifier(directory, origins=origins, store_id=store.store_id)
    if directory.issuers():
        prepare_to_fetch()
    issuer = Issuer(directory, key_file=key_file(settings))

    def authenticate(request: Request) -> Caller | Awaitable[Caller]:
        sent, now_seconds = request.authorization, time.time()
        return verifier.known(sent, now_seconds=now_seconds) or verifier.caller(sent, now_seconds=now_seconds)

    endpoint = TokenEndpoint(directory, issuer, origins=origins, attempts=FailedAttempts())
    surfaces = Surfaces(
        GraphRoots(
            store,
            authenticate=authenticate,
            settings=settings,
            is_own=origins.includes,
            throttle=Throttle(GRAPH, clock=time.monotonic) if settings.throttle == "graph" else None,
        ),
        IssuerPages(issuer, endpoint, origins=origins, timeout_seconds=settings.request_timeout_seconds),
        authenticate=authenticate,
    )
    return Edge(
        surfaces, operations=Operations(store).answer, origins=origins, settings=settings, on_stop=store.close
    )
