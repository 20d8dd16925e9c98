"""`stanchion serve`: the HTTP server.

- Granian's main process starts one worker, or several on PostgreSQL, which serve; the store is opened in each
  worker, after the fork.
- The lock of a SQLite database is taken by the main process and inherited by the worker, so that it is held
  until the last of them has ended. The worker dies with the main process (Linux: PR_SET_PDEATHSIG; elsewhere a
  thread watches), or it would go on serving unseen.
- SIGTERM and SIGINT stop gracefully: requests under way are answered, what was submitted is written.
"""

import ctypes
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import click
from msgspec import structs
from starlette.types import ASGIApp

from stanchion import __version__
from stanchion.access.issuers import check_issuers
from stanchion.access.operator import ensure_signing_key
from stanchion.app import build_server, database_file, key_file, on_postgresql, open_store
from stanchion.cli.apart import do_apart
from stanchion.cli.options import as_text, setting_options, settings_from
from stanchion.cli.servable import require_servable
from stanchion.errors import OperatorError
from stanchion.ledger.changes import Operator
from stanchion.logs import configure_logs, logging_settings
from stanchion.settings import SETTINGS, Settings, SettingValue
from stanchion.store.lock import ServeLock
from stanchion.store.migrate import is_current
from stanchion.web.connections import Silence, connection_limit, end_silent_connections
from stanchion.web.operations_listener import OperationsAddress, check_free, listen

# All but what only an import reads.
SERVE_SETTINGS = tuple(name for name in SETTINGS if name != "max_import_bytes")

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# From linux/prctl.h.
_PR_SET_PDEATHSIG = 1
_PARENT_POLL_SECONDS = 0.5
# Requests at once on one HTTP/2 connection: the least that RFC 9113 6.5.2 recommends.
_STREAMS = 100
# From malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# At the default of 700 a batch of 64 writes is looked through some ten times, which takes a sixth of its CPU.
_OBJECTS_BETWEEN_COLLECTIONS = 20_000
# Four of the largest pages; of the second threshold glibc takes no more than half of this.
_KEPT_BYTES = 64 * 1024 * 1024

logger = logging.getLogger("stanchion.serve")


@click.command()
@setting_options(*SERVE_SETTINGS)
def serve(**options: object) -> None:
    """Serve Graph's security API from a store, which is made when it is new."""
    run_server(settings_from(options))


def run_server(settings: Settings, *, before_start: Callable[[], None] | None = None) -> None:
    """Serve until a signal ends it; `before_start` runs once all is checked and nothing listens yet.

    Raises OperatorError for what keeps it from starting, click.UsageError for options that contradict.
    """
    require_servable(settings)
    configure_logs(settings.log_level, settings.log_format)
    with _alone(settings):
        _check_port(settings)
        if settings.operations is not None:
            check_free(OperationsAddress.of(settings.operations), workers=settings.workers)
        if on_postgresql(settings) or is_current(database_file(settings)):
            _prepare(settings)
        else:
            # What migrates is never needed again, and the worker would have it all its life.
            do_apart(partial(_prepare, settings))
        if before_start is not None:
            before_start()
        _serve(settings)


def address(settings: Settings) -> str:
    """Return the address that a browser on this machine would ask."""
    scheme = "https" if settings.tls_certificate else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{settings.port}"


def changed(settings: Settings) -> str:
    """Return the settings other than the defaults in a line for the log, without the passwords of URLs."""
    values: dict[str, SettingValue] = structs.asdict(settings)
    rows = (row for row in SETTINGS.values() if values[row.name] != row.default)
    return "; ".join(f"{row.name} = {as_text(row.shown(values[row.name]))}" for row in rows)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Keep other servers from a SQLite file for the block; PostgreSQL serves as many as come."""
    if on_postgresql(settings):
        yield
        return
    lock = ServeLock(database_file(settings))
    try:
        yield
    finally:
        lock.release()


def _check_port(settings: Settings) -> None:
    # Granian binds with SO_REUSEPORT, so that it would share the port with another server without a word.
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise OperatorError(
                f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}. "
                "Choose another one with --port (or --host)."
            ) from None


def _prepare(settings: Settings) -> None:
    """Open the store once, so that what is wrong with it is told here, and nothing is left to do in the worker."""
    store = open_store(settings)
    try:
        check_issuers(store)
        ensure_signing_key(store, key_file=key_file(settings), actor=Operator("serve"))
    finally:
        store.close_now()


def _serve(settings: Settings) -> None:
    # The server's libraries are imported by those who serve only.
    import multiprocessing

    from granian.constants import HTTPModes, Interfaces, Loops, SSLProtocols
    from granian.http import HTTP1Settings, HTTP2Settings
    from granian.log import LogLevels
    from granian.server import Server

    # A forked worker inherits the lock and has everything imported.
    multiprocessing.set_start_method("fork", force=True)
    os.register_at_fork(
        # A signal that comes to the worker before it has its own handling is to wait, not to be lost.
        before=partial(signal.pthread_sigmask, signal.SIG_BLOCK, _STOP_SIGNALS),
        after_in_parent=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, _STOP_SIGNALS),
        after_in_child=partial(_begin_worker, os.getpid()),
    )
    most = connection_limit()
    server = Server(
        "stanchion.app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        http=HTTPModes.auto,
        loop=Loops.auto,
        websockets=False,
        backpressure=most,
        http1_settings=HTTP1Settings(header_read_timeout=settings.keep_alive_seconds * 1000),
        http2_settings=HTTP2Settings(
            max_concurrent_streams=_STREAMS, max_headers_size=2 * settings.max_header_bytes
        ),
        ssl_cert=Path(settings.tls_certificate) if settings.tls_certificate else None,
        ssl_key=Path(settings.tls_key) if settings.tls_key else None,
        ssl_protocol_min=SSLProtocols.tls12,
        log_level=LogLevels.debug if settings.log_level == "debug" else LogLevels.error,
        log_dictconfig=logging_settings(settings.log_level, settings.log_format),
        respawn_failed_workers=True,
        workers_kill_timeout=settings.request_timeout_seconds + 10,
    )
    server.serve(target_loader=partial(_load, settings, most), wrap_loader=False)


def _load(settings: Settings, max_connections: int) -> ASGIApp:
    """Return the application, in the worker."""
    try:
        operations = _listen_for_operations(settings)
        application = build_server(open_store(settings, serving=True), settings, operations=operations)
    except OperatorError as error:
        logger.critical("%s", error.message)
        sys.exit(1)
    _settle_memory()
    silence = Silence(settings.keep_alive_seconds, max_connections)
    end_silent_connections(settings.port, silence=silence, under_way=application.under_way)
    database = SETTINGS["database"].shown(settings.database)
    logger.info("Stanchion %s serves %s from %s", __version__, address(settings), database)
    if operations is not None:
        logger.info("Metrics are at http://%s:%s/metrics", *operations.getsockname()[:2])
    logger.info("Settings other than the defaults: %s", changed(settings) or "none")
    return application


def _listen_for_operations(settings: Settings) -> socket.socket | None:
    if settings.operations is None:
        return None
    return listen(OperationsAddress.of(settings.operations), workers=settings.workers)


def _settle_memory() -> None:
    """Let what was made so far stay, and what is let go of from here on be used again."""
    # Looking through all of it for garbage takes a tenth of a second.
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *gc.get_threshold()[1:])
    # Memory that goes back to the kernel with each answer of some size comes back page by page, which costs more
    # than the answer. Only the C library of GNU can be told.
    with suppress(AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        library.mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES // 2)


def _begin_worker(main_pid: int) -> None:
    """Run first in a worker: it dies with the main process, and of a signal that comes while it starts."""
    # The main process's handlers were inherited, and would swallow the signal that asks the worker to stop.
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    _die_with(main_pid)


def _die_with(main_pid: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != main_pid:
            os._exit(1)
    else:
        threading.Thread(target=_watch, args=(main_pid,), daemon=True).start()


def _watch(main_pid: int) -> None:
    while os.getppid() == main_pid:
        time.sleep(_PARENT_POLL_SECONDS)
    os._exit(1)
