"""Changing what is stored behind the store's back: statements that each database understands in its own spelling.

- `MINE`: the rows of the tenant.
- `BYTES(7b7d)`: bytes; `NOUGHTS`: 32 of them, all nought.
- `EDITED(column, 'old', 'new')`: a column of bytes with a text in it replaced; `BODY(...)` the same for bodies, which
  are text on PostgreSQL; `TEXT('{')` is a body.
"""

import re

from stanchion.store.compile import DialectName
from tests.databases import Database
from tests.store.commands import TENANT

_SPELLINGS: dict[DialectName, tuple[tuple[str, str], ...]] = {
    "sqlite": (
        (r"BYTES\((\w*)\)", r"x'\1'"),
        (r"TEXT\(([^)]*)\)", r"CAST(\1 AS BLOB)"),
        (r"(?:EDITED|BODY)\((\w+), ([^)]*)\)", r"CAST(replace(CAST(\1 AS TEXT), \2) AS BLOB)"),
    ),
    "postgresql": (
        (r"BYTES\((\w*)\)", r"'\\x\1'::bytea"),
        (r"TEXT\(([^)]*)\)", r"\1"),
        (r"EDITED\((\w+), ([^)]*)\)", r"convert_to(replace(convert_from(\1, 'UTF8'), \2), 'UTF8')"),
        (r"BODY\((\w+), ([^)]*)\)", r"replace(\1, \2)"),
    ),
}


def tamper(database: Database, *statements: str, values: tuple[object, ...] = ()) -> None:
    """Run statements; each must hit something."""
    for statement in statements:
        assert database.execute(spelled(statement, database.dialect), *values)


def spelled(statement: str, dialect: DialectName) -> str:
    """Return a statement as a database understands it, which then returns the rows that it hit."""
    text = statement.replace("MINE", f"tenant_id = '{TENANT}'").replace("NOUGHTS", f"BYTES({'00' * 32})")
    for pattern, spelling in _SPELLINGS[dialect]:
        text = re.sub(pattern, spelling, text)
    return f"{text} RETURNING 1"
