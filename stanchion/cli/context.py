"""What commands on the local store share: opening it for the time of one command."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stanchion.app import database_file, key_file, on_postgresql, open_store
from stanchion.cli.options import settings_from
from stanchion.settings import Settings
from stanchion.store import OperatedStore
from stanchion.store.file_inspection import inspect_file
from stanchion.store.inspection import Inspection

STORE_SETTINGS = ("database", "key_file")


@dataclass(frozen=True)
class LocalStore:
    """An open store and the file with the key that seals its signing keys."""

    store: OperatedStore
    key_file: Path


@contextmanager
def inspected(settings: Settings) -> Iterator[Inspection]:
    """Look at the store that settings name, and write nothing; raises OperatorError for one that cannot be read."""
    if on_postgresql(settings):
        # Its driver is not for those who use SQLite.
        from stanchion.store.postgresql.inspection import inspect_postgresql

        with inspect_postgresql(settings.database) as server:
            yield server.store
        return
    with inspect_file(database_file(settings)) as file:
        yield file.store


@contextmanager
def local_store(options: Mapping[str, object], *, create: bool = False) -> Iterator[LocalStore]:
    """Open the store that the options name, for the time of one command."""
    settings = settings_from(options)
    store = open_store(settings, create=create)
    try:
        yield LocalStore(store, key_file(settings))
    finally:
        store.close_now()
