"""Where it is kept: the only SQL of the program."""

from stanchion.store.contract import Page, Store
from stanchion.store.rows import STORE_CHAIN, ClientRow, IssuerRow, SigningKeyRow, TenantRow
from stanchion.store.sqlite import SQLiteStore

__all__ = [
    "STORE_CHAIN",
    "ClientRow",
    "IssuerRow",
    "Page",
    "SQLiteStore",
    "SigningKeyRow",
    "Store",
    "TenantRow",
]
