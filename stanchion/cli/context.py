"""What commands on the local store share: opening it for the time of one command."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stanchion.app import key_file, open_store
from stanchion.cli.options import settings_from
from stanchion.store import OperatedStore

STORE_SETTINGS = ("database", "key_file")


@dataclass(frozen=True)
class LocalStore:
    """An open store and the file with the key that seals its signing keys."""

    store: OperatedStore
    key_file: Path


@contextmanager
def local_store(options: Mapping[str, object], *, create: bool = False) -> Iterator[LocalStore]:
    """Open the store that the options name, for the time of one command."""
    settings = settings_from(options)
    store = open_store(settings, create=create)
    try:
        yield LocalStore(store, key_file(settings))
    finally:
        store.close_now()
