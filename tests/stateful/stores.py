"""The one place where the machine opens a store, and looks into it: what another database would have to give."""

import json
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from stanchion.settings import Settings
from stanchion.store import SQLiteStore


def settings_of(folder: Path) -> Settings:
    """Return the settings of the service whose store lies in a folder."""
    return Settings(database=f"sqlite:///{folder / 'stanchion.db'}")


def open_store(folder: Path, *, serving: bool = False) -> SQLiteStore:
    """Open the store of a folder."""
    return SQLiteStore.open(settings_of(folder).database, serving=serving)


def copy_store(folder: Path, to: Path) -> None:
    """Copy a store as it lies there, also while a server has it open: then as it is after the power failed."""
    to.mkdir(parents=True)
    # What lies in shared memory is gone with the machine, and no lock outlives its process.
    for file in folder.iterdir():
        if file.is_file() and not file.name.endswith(("-shm", ".lock", ".log")):
            shutil.copy(file, to / file.name)


def records(folder: Path, tenant: str) -> Sequence[Mapping[str, Any]]:
    """Return the records of a tenant's changes in their order, read past the service."""
    with closing(sqlite3.connect(folder / "stanchion.db")) as connection:
        rows = connection.execute(
            "SELECT record FROM changes WHERE tenant_id = ? ORDER BY sequence", (tenant,)
        ).fetchall()
    return [json.loads(record) for (record,) in rows]
