"""Judging SQL by its text: whether it names its tenant wherever it touches a tenant-owned table.

The guard judges the tree of a statement before it is compiled; this judges what a database ran, by the log
`stanchion.sql`, whoever wrote it. It knows no OR, so it proves less and covers more. Of several writes that are sent
as one statement it judges each by itself.
"""

import re
from functools import lru_cache

from stanchion.store.tables import TENANT_OWNED

# A migration makes a table anew, with the rows of all tenants.
_MADE_ANEW = re.compile(r"\s*INSERT INTO _alembic_tmp_\w+ ")
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_FLEET = re.compile(r"\s*/\* fleet: .+? \*/")
_NO_ROWS = re.compile(
    r"\s*(CREATE|DROP|ALTER|PRAGMA|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET)\b", re.IGNORECASE
)
_JOINED = re.compile(r"WITH write_0 AS \(|\), write_\d+ AS \(|\) (?=(?:INSERT INTO|UPDATE|DELETE FROM) )")
_GIVEN_ROWS = re.compile(r" SELECT \* FROM unnest\([^()]*\)")
_TABLES = "|".join(sorted(TENANT_OWNED))
_MENTION = re.compile(rf'\b({_TABLES})\b"?(?!\s*\.)(?:\s+AS\s+(\w+))?', re.IGNORECASE)
_INSERT = re.compile(rf'\s*INSERT\s+(?:OR\s+\w+\s+)?INTO\s+"?({_TABLES})"?\s*\(([^)]*)\)', re.IGNORECASE)


def unscoped(sql: str) -> str | None:
    """Return the tenant-owned table that a statement reaches without its tenant, or None for a good one."""
    if _FLEET.match(sql) or _NO_ROWS.match(sql) or _MADE_ANEW.match(sql):
        return None
    if sql.startswith("WITH write_0 AS ("):
        return next(filter(None, map(unscoped, filter(None, _JOINED.split(sql)))), None)
    text = _GIVEN_ROWS.sub("", _LITERAL.sub("?", sql))
    if insert := _INSERT.match(text):
        columns = [name.strip(' "') for name in insert[2].split(",")]
        return None if "tenant_id" in columns and "SELECT" not in text.upper() else str(insert[1])
    names = [match[2] or match[1] for match in _MENTION.finditer(text)]
    for name in names:
        predicates = re.findall(rf'\b{name}"?\.tenant_id\s*=\s*(?:\?|:tenant_id\b|\$\d)', text)
        if len(predicates) < names.count(name):
            return name
    return None


# Each node would have a value of its own, so that Citus refuses them in what writes; no statement of ours needs any.
_VOLATILE = re.compile(
    r"\b(clock_timestamp|currval|gen_random_uuid|lastval|nextval|random|setval|statement_timestamp|timeofday)\s*\(",
    re.IGNORECASE,
)
_INSERT_SELECT = re.compile(r"\bINSERT\s+INTO\b.*\bSELECT\b", re.IGNORECASE | re.DOTALL)
_LOCKING = re.compile(r"\bFOR\s+(?:NO\s+KEY\s+)?(?:UPDATE|SHARE|KEY\s+SHARE)\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")


@lru_cache(maxsize=4096)
def unroutable(sql: str, *, clustered: bool = False) -> str | None:
    """Return why a cluster would not send a statement to the one node that has its tenant, or None for a good one.

    `clustered` judges what is sent to a cluster: there each write is a statement of its own, of rows by value.
    """
    text = _LITERAL.sub("?", sql)
    words = {word.lower() for word in _WORD.findall(text)}
    if not words & TENANT_OWNED or _NO_ROWS.match(sql) or _MADE_ANEW.match(sql):
        return None
    if "merge" in words:
        return "MERGE"
    if found := _VOLATILE.search(text):
        return f"{found[1]}(), which is volatile"
    if _FLEET.match(sql):
        return "locks rows of several tenants" if _LOCKING.search(text) else None
    if unscoped(sql) is not None:
        return f"{unscoped(sql)} without its tenant"
    if clustered and sql.startswith("WITH write_0 AS ("):
        return "several writes in one"
    given = text if clustered else _GIVEN_ROWS.sub("", text)
    if _INSERT_SELECT.search(given) and not _JOINED.search(text):
        return "INSERT ... SELECT"
    return None
