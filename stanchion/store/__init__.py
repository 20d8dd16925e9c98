"""Where it is kept: the only SQL of the program."""

from typing import TYPE_CHECKING

from stanchion.store.contract import OperatedStore, Page, ServedStore, Store
from stanchion.store.rows import STORE_CHAIN, ClientRow, IssuerRow, SigningKeyRow, TenantRow
from stanchion.store.sqlite import SQLiteStore

if TYPE_CHECKING:
    from stanchion.store.postgresql.store import PostgresStore

__all__ = [
    "STORE_CHAIN",
    "ClientRow",
    "IssuerRow",
    "OperatedStore",
    "Page",
    "PostgresStore",
    "SQLiteStore",
    "ServedStore",
    "SigningKeyRow",
    "Store",
    "TenantRow",
]


def __getattr__(name: str) -> object:
    """Give what is loaded only where it is used: asyncpg is not for those who serve from SQLite."""
    if name == "PostgresStore":
        from stanchion.store.postgresql.store import PostgresStore

        return PostgresStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
