"""Members of a body's JSON, read by the functions of the database.

- The JSON of a row is `document.json`, made once for each row by `with_document`; that of the element at hand in the
  loop over a collection is in `e0`, `e1` ... by the depth of the loop.
- A member is read as the kind that is asked for; a value of another kind counts as null, so that "5" is no number.
- A collection that is null, absent or no array has no elements.
"""

from stanchion.odata.filter.tree import Element, Kind, Member, Source
from stanchion.store.bodies import document_of
from stanchion.store.instants import instant_in
from stanchion.store.spelling import Spelled, Sql

# Neither database folds a subquery without tables (SQLite), or with OFFSET (PostgreSQL), into the one around it:
# folding would write the call wherever the document is named.
_WITH_DOCUMENT = (
    f"(SELECT @0 FROM (SELECT {document_of('@1', '@2')} AS json) AS document)",
    "(SELECT @0 FROM (SELECT CAST(@1 AS jsonb) AS json OFFSET 0) AS document)",
)


def with_document(table: str, condition: Sql) -> Spelled:
    """Return a condition on the document of the body in a row of a table, which is decompressed and parsed once."""
    return Spelled(*_WITH_DOCUMENT, of=(condition, f"{table}.body", f"{table}.tenant_id"))


def member(asked: Member) -> Spelled:
    """Return a value as one of the kind asked: an instant in ticks, a Boolean as the database has them."""
    source, path, kind = asked.source, asked.path, asked.kind
    if kind in {"Edm.DateTimeOffset", "Edm.Date"}:
        return instant_in(_spelled(source, path, "Edm.String", declared=asked.declared))
    return _spelled(source, path, kind, declared=asked.declared)


def _spelled(source: Source, path: tuple[str, ...], kind: Kind, *, declared: bool) -> Spelled:
    found, value = _sqlite_type(source, path), _sqlite_value(source, path)
    json = _postgresql_json(source, path)
    text = f"{_postgresql_base(source)} #>> {_postgresql_path(path)}"
    match kind:
        case "Edm.Boolean":
            return Spelled(
                f"CASE {found} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
                f"CASE {json} WHEN 'true' THEN true WHEN 'false' THEN false END",
            )
        case "Edm.Int64" | "Edm.Double":
            number = f"CAST({value} AS REAL)"
            return Spelled(
                number if declared else f"CASE WHEN {found} IN ('integer', 'real') THEN {number} END",
                f"CASE jsonb_typeof({json}) WHEN 'number' THEN CAST({text} AS double precision) END",
            )
        case _:
            return Spelled(
                value if declared else f"CASE {found} WHEN 'text' THEN {value} END",
                f"CASE jsonb_typeof({json}) WHEN 'string' THEN {text} END COLLATE \"C\"",
            )


def is_absent(source: Source, path: tuple[str, ...]) -> Spelled:
    """Return whether the value at a path is null or not there; never null itself."""
    return Spelled(
        f"(coalesce({_sqlite_type(source, path)}, 'null') = 'null')",
        f"(coalesce(jsonb_typeof({_postgresql_json(source, path)}), 'null') = 'null')",
    )


def has_element(
    source: Source, path: tuple[str, ...], element: Element, condition: Sql | None, *, in_parts: bool = False
) -> Spelled:
    """Return whether a collection has an element of which a condition is true; never null itself.

    `in_parts` says that the condition asks for parts of the element, which is then written out once for all of them.
    """
    name = f"e{element.variable}"
    # Of an object SQLite would give the members, whose keys are text, of a plain value the value itself.
    array = f"json_each({_sqlite_base(source)}, {_sqlite_path(path)})"
    rows = f"{array} AS {name} WHERE typeof({name}.key) = 'integer'"
    elements = f"jsonb_array_elements({_postgresql_array(source, path)}) AS {name}(value)"
    if condition is None:
        return Spelled(f"EXISTS (SELECT 1 FROM {rows})", f"EXISTS (SELECT 1 FROM {elements})")
    # The functions of SQLite fail on text that is no JSON, which a plain value is.
    json = f"CASE WHEN {name}.type IN ('object', 'array') THEN {name}.value END"
    parts = f"(SELECT @0 FROM (SELECT {json} AS json) AS parts{element.variable})" if in_parts else "(@0)"
    return Spelled(
        f"EXISTS (SELECT 1 FROM {rows} AND {parts})",
        f"EXISTS (SELECT 1 FROM {elements} WHERE @0)",
        of=(condition,),
    )


def size(source: Source, path: tuple[str, ...]) -> Spelled:
    """Return the number of elements of a collection."""
    return Spelled(
        f"coalesce(json_array_length({_sqlite_base(source)}, {_sqlite_path(path)}), 0)",
        f"coalesce(jsonb_array_length({_postgresql_array(source, path)}), 0)",
    )


def _sqlite_base(source: Source) -> str:
    return f"parts{source.variable}.json" if isinstance(source, Element) else "document.json"


def _sqlite_type(source: Source, path: tuple[str, ...]) -> str:
    if isinstance(source, Element) and not path:
        return f"e{source.variable}.type"
    return f"json_type({_sqlite_base(source)}, {_sqlite_path(path)})"


def _sqlite_value(source: Source, path: tuple[str, ...]) -> str:
    if isinstance(source, Element) and not path:
        return f"e{source.variable}.value"
    return f"json_extract({_sqlite_base(source)}, {_sqlite_path(path)})"


def _sqlite_path(path: tuple[str, ...]) -> str:
    return "'$" + "".join(f'."{_checked(name)}"' for name in path) + "'"


def _postgresql_base(source: Source) -> str:
    return f"e{source.variable}.value" if isinstance(source, Element) else "document.json"


def _postgresql_path(path: tuple[str, ...]) -> str:
    return "'{" + ",".join(f'"{_checked(name)}"' for name in path) + "}'"


def _postgresql_json(source: Source, path: tuple[str, ...]) -> str:
    return f"({_postgresql_base(source)} #> {_postgresql_path(path)})" if path else _postgresql_base(source)


def _postgresql_array(source: Source, path: tuple[str, ...]) -> str:
    json = _postgresql_json(source, path)
    return f"CASE jsonb_typeof({json}) WHEN 'array' THEN {json} END"


def _checked(name: str) -> str:
    # Names come from callers where a type is open; a name holds nothing that ends a quotation.
    if not name.isidentifier():
        raise ValueError(f"{name!r} is not the name of a member.")
    return name
