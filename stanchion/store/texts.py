"""Functions of text that give the same on every database.

- Characters are code points; `tolower` and `toupper` fold A to Z and nothing else.
- What is searched for is taken as it is: no pattern, no wildcard.
- A negative start of `substring` counts from the end; beyond either end there is nothing, and a length below 0 is 0.
- `trim` takes the blanks of Unicode (White_Space).
"""

from stanchion.store.spelling import Spelled, Sql

_BLANKS = (*range(9, 14), 32, 133, 160, 5760, *range(8192, 8203), 8232, 8233, 8239, 8287, 12288)
_SQLITE_BLANKS = f"char({', '.join(map(str, _BLANKS))})"
_POSTGRESQL_BLANKS = "U&'" + "".join(f"\\{blank:04x}" for blank in _BLANKS) + "'"

# Far beyond any text, and within the whole numbers that functions of text take.
_FAR = 1_000_000_000
# In a subquery without tables (SQLite) or with OFFSET (PostgreSQL) each operand is calculated once, however often it
# is named. PostgreSQL takes what is null for the lesser and the greater of two, so that it is asked in two ways.
_SQLITE_PART = f"""(SELECT substr(t, CASE WHEN s < 0 THEN max(length(t) + s, 0) ELSE min(s, {_FAR}) END + 1
%s) FROM (SELECT @0 AS t, CAST(@1 AS INTEGER) AS s %s) AS part)"""
_POSTGRESQL_PART = f"""(SELECT substr(t,
CAST(CASE WHEN s < 0 THEN greatest(length(t) + s, 0) WHEN s >= 0 THEN least(s, {_FAR}) END AS integer) + 1
%s) FROM (SELECT @0 AS t, trunc(CAST(@1 AS double precision)) AS s %s OFFSET 0) AS part)"""
_SQLITE_LENGTH = (f", max(min(n, {_FAR}), 0)", ", CAST(@2 AS INTEGER) AS n")
_POSTGRESQL_LENGTH = (
    f", CAST(CASE WHEN n < 0 THEN 0 WHEN n >= 0 THEN least(n, {_FAR}) END AS integer)",
    ", trunc(CAST(@2 AS double precision)) AS n",
)

_SPELLINGS: dict[tuple[str, int], tuple[str, str]] = {
    ("contains", 2): ("(instr(@0, @1) > 0)", "(strpos(@0, @1) > 0)"),
    ("startswith", 2): ("(instr(@0, @1) = 1)", "starts_with(@0, @1)"),
    ("endswith", 2): ("(substr(@0, length(@0) - length(@1) + 1) = @1)", "(right(@0, length(@1)) = @1)"),
    ("indexof", 2): ("(instr(@0, @1) - 1)", "(strpos(@0, @1) - 1)"),
    ("concat", 2): ("(@0 || @1)", "(@0 || @1)"),
    ("length", 1): ("length(@0)", "length(@0)"),
    ("tolower", 1): ("lower(@0)", 'lower(CAST(@0 AS text) COLLATE "C")'),
    ("toupper", 1): ("upper(@0)", 'upper(CAST(@0 AS text) COLLATE "C")'),
    ("trim", 1): (f"trim(@0, {_SQLITE_BLANKS})", f"btrim(@0, {_POSTGRESQL_BLANKS})"),
    ("substring", 2): (_SQLITE_PART % ("", ""), _POSTGRESQL_PART % ("", "")),
    ("substring", 3): (_SQLITE_PART % _SQLITE_LENGTH, _POSTGRESQL_PART % _POSTGRESQL_LENGTH),
}


def text_function(name: str, *operands: Sql) -> Spelled:
    """Return the value of a function of text, null where an operand is."""
    sqlite, postgresql = _SPELLINGS[name, len(operands)]
    return Spelled(sqlite, postgresql, of=operands)
