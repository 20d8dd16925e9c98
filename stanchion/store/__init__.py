"""Where it is kept: the only SQL of the program."""

from stanchion.store.contract import Page, Store
from stanchion.store.rows import STORE_CHAIN, ClientRow, SigningKeyRow, TenantRow
from stanchion.store.sqlite import SQLiteStore

__all__ = ["STORE_CHAIN", "ClientRow", "Page", "SQLiteStore", "SigningKeyRow", "Store", "TenantRow"]
