"""What a database file says of its decisions, read beside the program that wrote it.

It knows the tables and nothing of the program's code but how bodies are packed, so that a fault of the
store's own reading cannot hide a fault of its writing.
"""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import zstandard

from tests.serving.place import TENANT

_FRAME = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Decision:
    """One change that decided about a control."""

    sequence: int
    control: str
    comment: str


def decisions(database: Path) -> list[Decision]:
    """Return every decision of the tenant in the chain of changes, the oldest first."""
    found = []
    for text, detail in _rows(
        database,
        "SELECT CAST(c.record AS TEXT), d.detail FROM changes c JOIN change_details d "
        "ON d.tenant_id = c.tenant_id AND d.sequence = c.sequence WHERE c.tenant_id = ? ORDER BY c.sequence",
    ):
        record = json.loads(text)
        if record["operation"] == "control.decide":
            told = json.loads(_plain(detail))
            found.append(Decision(record["sequence"], told["control"], told["after"]["comment"]))
    return found


def histories(database: Path) -> dict[str, list[str]]:
    """Return the comments in the history of each control, the oldest first."""
    found: dict[str, list[str]] = {}
    for control, body in _rows(
        database, "SELECT control_id, body FROM decisions WHERE tenant_id = ? ORDER BY version"
    ):
        comment = json.loads(_plain(body))["comment"]
        if comment is not None:
            found.setdefault(control, []).append(comment)
    return found


def shown(database: Path) -> dict[str, str]:
    """Return the comment that each decided control shows."""
    found = {}
    for control, body in _rows(
        database, "SELECT id, body FROM secure_score_control_profiles WHERE tenant_id = ?"
    ):
        (update,) = json.loads(_plain(body))["controlStateUpdates"]
        if update["comment"] is not None:
            found[control] = update["comment"]
    return found


@dataclass(frozen=True)
class Totals:
    """How much of the tenant there is: a transaction that came in whole or not at all shows here."""

    scores: int
    controls: int
    changes: int
    newest: int  # the sequence of the head


def totals(database: Path) -> Totals:
    """Count what the database holds of the tenant."""
    return Totals(
        scores=_number(database, "SELECT '', count(*) FROM secure_scores WHERE tenant_id = ?"),
        controls=_number(
            database, "SELECT '', count(*) FROM secure_score_control_profiles WHERE tenant_id = ?"
        ),
        changes=_number(database, "SELECT '', count(*) FROM changes WHERE tenant_id = ?"),
        newest=_number(database, "SELECT '', sequence FROM tenants WHERE tenant_id = ?"),
    )


def _number(database: Path, statement: str) -> int:
    ((_, number),) = _rows(database, statement)
    return int(number)


def _rows(database: Path, statement: str) -> list[tuple[str, bytes]]:
    with closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True, timeout=30)) as connection:
        return connection.execute(statement, (TENANT,)).fetchall()


def _plain(kept: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(kept) if kept.startswith(_FRAME) else kept
