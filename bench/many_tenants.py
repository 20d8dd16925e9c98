"""A store of many tenants with a hundred controls each, and a token for every one of them; made in this process.

`python -m bench.many_tenants FOLDER COUNT FILE` fills the store that a folder has by default, and writes a line
`<tenant id> <token>` for each to a file; `--tokens FOLDER FILE` makes new tokens for a store that was filled
before. Each tenant comes in as its operator would bring it in; only the start of a process a command is saved.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.bodies import TENANT, controls
from stanchion.access.operator import AppWish, add_app, add_tenant, ensure_signing_key
from stanchion.access.operator_token import TokenWish, issue_token
from stanchion.app import key_file, open_store
from stanchion.cli.context import LocalStore
from stanchion.cli.imports import import_bytes
from stanchion.settings import Settings
from stanchion.store.meta import operator

CONTROLS = 100
_PERMISSION = "SecurityEvents.ReadWrite.All"


def tenant_id(number: int) -> str:
    """Return the id of a tenant, numbered from 0."""
    return f"cccccccc-0000-4000-8000-{number:012x}"


def fill(local: LocalStore, count: int) -> None:
    """Add so many tenants, each with an app and its controls."""
    ensure_signing_key(local.store, key_file=local.key_file, actor=operator())
    page = json.dumps({"value": list(controls(CONTROLS))}, separators=(",", ":"))
    for tenant in map(tenant_id, range(count)):
        add_tenant(local.store, tenant, name="Bench", actor=operator())
        add_app(local.store, AppWish(tenant, "Bench", permissions=(_PERMISSION,)), actor=operator())
        imported = page.replace(TENANT, tenant).encode()
        import_bytes(local.store, imported, source="bench", tenant_id=tenant)


def tokens(local: LocalStore) -> Iterator[tuple[str, str]]:
    """Give each tenant's id, and a new token of its app."""
    for app in local.store.clients(None):
        wish = TokenWish(app.tenant_id, app.client_id)
        issued = issue_token(
            local.store, wish, key_file=local.key_file, actor=operator(), now_seconds=int(time.time())
        )
        yield app.tenant_id, issued.token


def main(folder: Path, file: Path, *, count: int) -> None:
    """Fill the store of a folder with so many tenants, if any, and write down a token of each that it has."""
    os.chdir(folder)
    settings = Settings()
    store = open_store(settings)
    try:
        local = LocalStore(store, key_file(settings))
        fill(local, count)
        _write(file, tokens(local))
    finally:
        store.close_now()


def _write(file: Path, pairs: Iterable[tuple[str, str]]) -> None:
    with file.open("w", encoding="ascii") as lines:
        for tenant, token in pairs:
            lines.write(f"{tenant} {token}\n")


if __name__ == "__main__":
    first, second, third = sys.argv[1:]
    if first == "--tokens":
        main(Path(second), Path(third).absolute(), count=0)
    else:
        main(Path(first), Path(third).absolute(), count=int(second))
