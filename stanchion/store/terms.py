"""One term of a filter as a condition in SQL, in the words of one database.

- Three questions are asked of a Boolean: does it hold, does it fail, what is it. Null neither holds nor fails. A
  comparison with null is false in OData and unknown in SQL: where it must hold the two are the same, and a plain
  comparison can use an index; elsewhere SQL is told which is meant.
- `not` asks of its operand whether it fails, and so reaches the comparisons without being written.
- Nothing that a caller wrote comes into the text, but for the names of members, where they are names: letters, digits
  and underscores (`members`). All else are constants of ours, the columns of one table, by which those of the
  tree are looked up, and the numbers of parameters. A tree has no literal in it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from msgspec.structs import replace
from sqlalchemy import Table

from stanchion.odata.filter import tree
from stanchion.odata.filter.tree import Kind, Order, Scalar, Source
from stanchion.store.calculation import calculation
from stanchion.store.compile import DialectName
from stanchion.store.instants import day_of, part_of_day, part_of_instant
from stanchion.store.members import has_element, is_absent, member, size
from stanchion.store.spelling import Spelled, Sql, written
from stanchion.store.texts import text_function

NOW = "filter_now"
# As many as there are columns and ways to compare them. Those of columns take 100 characters, and longer ones than so
# many are not kept: the longest takes 390 KB.
TERMS_KEPT, LONGEST_KEPT = 256, 4096

_POSTGRESQL_TYPES: dict[Kind, str] = {
    "Edm.String": "text",
    "Edm.Boolean": "boolean",
    "Edm.Int64": "bigint",
    "Edm.Double": "double precision",
    "Edm.DateTimeOffset": "bigint",
    "Edm.Date": "bigint",
}
# How the value of a parameter is said to be of its kind; text compares by code point.
_BOUND_AS: dict[Kind, str] = {
    "Edm.String": '::VARCHAR COLLATE "C"',
    "Edm.Boolean": "::BOOLEAN",
    "Edm.Int64": "::BIGINT",
    "Edm.Double": "::FLOAT",
    "Edm.DateTimeOffset": "::BIGINT",
    "Edm.Date": "::BIGINT",
}
_DAY_PARTS, _INSTANT_PARTS = frozenset({"year", "month", "day"}), frozenset({"hour", "minute", "second"})
# Whole numbers become doubles before they are calculated with.
_CALCULATIONS = frozenset({"add", "sub", "mul", "div", "quotient", "mod", "minus"})
_AS_DOUBLE = ("CAST(@0 AS DOUBLE)", "CAST(@0 AS DOUBLE PRECISION)")
# The kinds that plain values of JSON have.
_JSON_KINDS: tuple[Kind, ...] = ("Edm.String", "Edm.Double", "Edm.Boolean")
_OPPOSITES: dict[Order, Order] = {"eq": "ne", "ne": "eq"}
_ORDERS: dict[Order, str] = {"eq": "=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
# How a database says that two values are the same, or not, where nulls are equal; and what is true.
_SAME: dict[DialectName, str] = {"sqlite": "IS", "postgresql": "IS NOT DISTINCT FROM"}
_OTHER: dict[DialectName, str] = {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}
_TRUE: dict[DialectName, str] = {"sqlite": "1", "postgresql": "true"}
# How tightly the operators of an expression bind, from loosest to tightest; what stands by itself has none.
_OR, _AND, _NOT, _COMPARED, _BY_ITSELF = range(5)


class Term(NamedTuple):
    """A term alone, and beside others that must hold too; `reads_body` says whether the columns do not tell it."""

    alone: str
    beside: str
    reads_body: bool


_terms: dict[tuple[Scalar, str, DialectName], Term] = {}


def term(node: Scalar, table: Table, dialect: DialectName) -> Term:
    """Return what is true of the rows of a table for which a term holds; a parameter is a colon and its name."""
    key = (node, table.name, dialect)
    found = _terms.get(key)
    if found is None:
        writer = _Writer(table, dialect)
        text = writer.holds(node)
        found = Term(text.sql, _within(text, _AND), writer.reads_body)
        if len(text.sql) <= LONGEST_KEPT:
            _keep(key, found)
    return found


def _keep(key: tuple[Scalar, str, DialectName], found: Term) -> None:
    # Anyone may send terms without end.
    if len(_terms) >= TERMS_KEPT:
        _terms.clear()
    _terms[key] = found


def parameter_name(number: int) -> str:
    """Return the name of the parameter that holds a value of a filter."""
    return f"filter_{number:d}"


class _Text(NamedTuple):
    """An expression as text, and how tightly the operator binds that holds it together."""

    sql: str
    binds: int = _BY_ITSELF


def _within(text: _Text, binds: int) -> str:
    """Return an expression as an operand of one that binds so tightly, in brackets where it needs them."""
    return f"({text.sql})" if text.binds < binds else text.sql


def _joined(word: str, texts: Sequence[_Text]) -> _Text:
    binds = _AND if word == "AND" else _OR
    if len(texts) == 1:
        return texts[0]
    return _Text(f" {word} ".join([_within(text, binds) for text in texts]), binds)


def _is(text: _Text, what: str) -> _Text:
    return _Text(f"{_within(text, _BY_ITSELF)} {what}", _COMPARED)


@cache
def _columns(table: Table) -> Mapping[str, _Text]:
    """Return how the columns of a table are written, by name."""
    return {column.name: _Text(f"{table.name}.{column.name}") for column in table.columns}


class _Writer:
    """Writes one term; `reads_body` says afterwards whether it needs the body."""

    def __init__(self, table: Table, dialect: DialectName) -> None:
        self._columns = _columns(table)
        self._dialect = dialect
        self._true = _TRUE[dialect]
        self._in_parts: set[Source] = set()
        self.reads_body = False

    def holds(self, node: Scalar) -> _Text:
        """Return what is true where a Boolean is true, and false or null elsewhere."""
        match node:
            case tree.Comparison():
                return self._compared(node)
            case tree.Logic(word, terms):
                return _joined(word.upper(), [self.holds(term) for term in terms])
            case tree.Negation(operand):
                return self.fails(operand)
            case tree.Likeness():
                return self._alike(node)
            case tree.Membership():
                return self._among(node)
            case _:
                return self.value(node)

    def fails(self, node: Scalar) -> _Text:
        """Return what is true where a Boolean is false, and false or null elsewhere."""
        match node:
            case tree.Logic(word, terms):
                return _joined("OR" if word == "and" else "AND", [self.fails(term) for term in terms])
            case tree.Negation(operand):
                return self.holds(operand)
            case tree.Comparison("eq" | "ne"):
                return self._compared(replace(node, operator=_OPPOSITES[node.operator]))
            case _:
                return self._opposite(node)

    def value(self, node: Scalar) -> _Text:
        """Return the value of a node; a Boolean may be null."""
        match node:
            case tree.Column(name):
                return self._columns[name]
            case tree.Parameter(number, kind):
                return self._bound(parameter_name(number), kind)
            case tree.Now(kind):
                return self._bound(NOW, kind)
            case tree.Nothing(kind):
                return self._spelt(Spelled("NULL", f"CAST(NULL AS {_POSTGRESQL_TYPES[kind]})"))
            case tree.Call(function, arguments):
                return self._spelt(self._called(function, arguments))
            case tree.Member() | tree.Size() | tree.IsAbsent() | tree.Quantified():
                return self._in_body(node)
            case _:
                return self._truth(node)

    def _truth(self, node: tree.Condition) -> _Text:
        match node:
            case tree.Logic(word, terms):
                return _joined(word.upper(), [self.value(term) for term in terms])
            case tree.Negation(operand):
                return self._opposite(operand)
            case tree.IsNull(operand):
                return _is(self.value(operand), "IS NULL")
            case _:
                return _is(self.holds(node), f"IS {self._true}")

    def _opposite(self, node: Scalar) -> _Text:
        """Return what is true where a Boolean is false, false where it is true, and null where it is null."""
        match node:
            case tree.Negation(operand):
                return self.value(operand)
            case tree.IsNull(operand):
                return _is(self.value(operand), "IS NOT NULL")
            case tree.Comparison() | tree.Likeness() | tree.Membership():
                return _is(self.holds(node), f"IS NOT {self._true}")
            case _:
                return _Text(f"NOT {_within(self.value(node), _COMPARED)}", _NOT)

    def _in_body(self, node: tree.Member | tree.Size | tree.IsAbsent | tree.Quantified) -> _Text:
        self.reads_body = True
        match node:
            case tree.Member():
                return self._member(node)
            case tree.Size(source, path):
                self._note_parts(source, path)
                return self._spelt(size(source, path))
            case tree.IsAbsent(source, path):
                return self._absent(source, path)
            case tree.Quantified():
                return self._quantified(node)

    def _quantified(self, node: tree.Quantified) -> _Text:
        source, path, element = node.source, node.path, node.element
        # Asking an array within an array for its elements is asking for a part too.
        self._in_parts.add(source)
        if node.condition is None:
            return self._spelt(has_element(source, path, element, None))
        self._in_parts.discard(element)
        sought = self.holds(node.condition)
        if node.quantifier == "all":
            sought = _is(sought, f"IS NOT {self._true}")
        found = has_element(source, path, element, sought.sql, in_parts=element in self._in_parts)
        text = self._spelt(found)
        return text if node.quantifier == "any" else _Text(f"NOT {text.sql}", _NOT)

    def _member(self, asked: tree.Member) -> _Text:
        self._note_parts(asked.source, asked.path)
        return self._spelt(member(asked))

    def _absent(self, source: Source, path: tuple[str, ...]) -> _Text:
        self._note_parts(source, path)
        return self._spelt(is_absent(source, path))

    def _note_parts(self, source: Source, path: tuple[str, ...]) -> None:
        if path:
            self._in_parts.add(source)

    def _compared(self, node: tree.Comparison) -> _Text:
        left, right = self._operand(node.left), self._operand(node.right)
        match node.operator:
            case "ne":
                operator = _OTHER[self._dialect]
            # Nulls are equal, which a plain comparison does not know; it serves where one side is never null.
            case "eq" if not (_is_definite(node.left) or _is_definite(node.right)):
                operator = _SAME[self._dialect]
            case order:
                operator = _ORDERS[order]
        return _Text(f"{left} {operator} {right}", _COMPARED)

    def _alike(self, node: tree.Likeness) -> _Text:
        self.reads_body = True
        if node.operator == "ne":
            return _is(self._alike(replace(node, operator="eq")), f"IS NOT {self._true}")
        found = []
        for kind in _JSON_KINDS:
            left, right = (self._member(tree.Member(*place, kind)) for place in (node.left, node.right))
            found.append(_Text(f"{left.sql} {_ORDERS[node.operator]} {right.sql}", _COMPARED))
        if node.operator == "eq":
            found.append(_joined("AND", [self._absent(*node.left), self._absent(*node.right)]))
        return _joined("OR", found)

    def _among(self, node: tree.Membership) -> _Text:
        operand, items = self._operand(node.operand), f":{parameter_name(node.number)}"
        found = Spelled(
            "(@0 IN (SELECT value FROM json_each(@1)))",
            f"(@0 = ANY (CAST(@1 AS {_POSTGRESQL_TYPES[node.item]}[])))",
            of=(operand, items),
        )
        if not node.with_null:
            return self._spelt(found)
        if isinstance(node.operand, tree.Column):
            return _joined("OR", [self._spelt(found), _Text(f"{operand} IS NULL", _COMPARED)])
        # No index could serve, and what is written twice within itself would be written a thousand times.
        return self._spelt(Spelled(f"coalesce(@0, {self._true})", of=(found,)))

    def _called(self, function: str, arguments: Sequence[Scalar]) -> Sql:
        operands = [self._operand(argument) for argument in arguments]
        if function in _CALCULATIONS:
            numbers = (
                Spelled(*_AS_DOUBLE, of=(operand,)) if argument.kind == "Edm.Int64" else operand
                for operand, argument in zip(operands, arguments, strict=True)
            )
            return calculation(function, *numbers)
        if function in _DAY_PARTS:
            return part_of_day(function, *operands)
        if function in _INSTANT_PARTS:
            return part_of_instant(function, *operands)
        return day_of(*operands) if function == "date" else text_function(function, *operands)

    def _operand(self, node: Scalar) -> str:
        """Return a value as it may stand on either side of an operator."""
        return _within(self.value(node), _BY_ITSELF)

    def _bound(self, name: str, kind: Kind) -> _Text:
        return _Text(f":{name}" if self._dialect == "sqlite" else f":{name}{_BOUND_AS[kind]}")

    def _spelt(self, sql: Sql) -> _Text:
        return _Text(written(sql, self._dialect))


def _is_definite(node: Scalar) -> bool:
    """Whether a value is never null."""
    return isinstance(node, tree.Parameter | tree.Now | tree.Size) or node == tree.Column("id", "Edm.String")
