"""Filters drawn at random, each with its meaning: the text goes to the server, the meaning to Python."""

from collections.abc import Callable
from typing import TypeAlias

from hypothesis import strategies as st

from stanchion.model.json_text import JsonValue
from tests.store.filter_author import COMPARISONS, PARTS, TEXT_TESTS, Author, Phrase, Scope
from tests.store.filter_meaning import Env, all_of, any_of, at, compared, is_equal, moment
from tests.store.filter_rows import PLACES, STATES, TEXTS
from tests.store.filter_values import calculation, number, quoted, text, time

Writes: TypeAlias = Callable[[Author, tuple[Scope, ...], int], Phrase]

_DAY = 864_000_000_000


def filters(name: str) -> st.SearchStrategy[tuple[Author, Phrase]]:
    """Return filters on the entities of a set."""

    @st.composite
    def written(draw: Callable[..., object]) -> tuple[Author, Phrase]:
        author = Author(draw)
        return author, condition(author, (Scope("it", PLACES[name]),), depth=3)

    return written()


def condition(author: Author, scopes: tuple[Scope, ...], *, depth: int) -> Phrase:
    """Write what is true, false or null."""
    simple = (
        _compared_texts,
        _compared_numbers,
        _compared_times,
        _tested_text,
        _listed,
        _is_null,
        _part,
        _part,
        _calculated,
    )
    nested = (_quantified, _quantified, _quantified, _joined, _joined, _negated, _truths)
    place = scopes[-1].place
    special = (*([_opened] * 8 if place.opens else []), *([_named] * 8 if place.states else []))
    write: Writes = author.pick((*simple, *special, *(nested if depth > 0 else ())))
    return write(author, scopes, depth)


def _joined(author: Author, scopes: tuple[Scope, ...], depth: int) -> Phrase:
    word = author.pick(("and", "or"))
    author.use(word)
    parts = [condition(author, scopes, depth=depth - 1) for _ in range(author.pick((2, 2, 3)))]
    join = all_of if word == "and" else any_of
    text = f" {word} ".join(_bracketed(author, part).text for part in parts)
    return Phrase(text, lambda env: join([part.means(env) for part in parts]))


def _negated(author: Author, scopes: tuple[Scope, ...], depth: int) -> Phrase:
    author.use("not")
    part = condition(author, scopes, depth=depth - 1)

    def means(env: Env) -> JsonValue:
        value = part.means(env)
        return None if value is None else not value

    return Phrase(f"not ({part.text})", means)


def _bracketed(author: Author, part: Phrase) -> Phrase:
    author.use("()")
    return Phrase(f"({part.text})", part.means)


def _truths(author: Author, scopes: tuple[Scope, ...], depth: int) -> Phrase:
    """Write a Boolean property, a literal, or conditions that are compared."""
    kind = author.pick(("property", "literal", "compared"))
    named = [(scope, path) for scope in scopes for path in scope.place.truths]
    if kind == "property" and named:
        scope, path = author.pick(named)
        return Phrase(scope.path(path), at(scope.source, path, "truth"))
    value = author.pick((True, False))
    if kind == "literal":
        return Phrase(str(value).lower(), lambda _: value)
    part = condition(author, scopes, depth=depth - 1)
    word = author.pick(("eq", "ne"))
    author.use(word)
    return Phrase(
        f"({part.text}) {word} {str(value).lower()}", lambda env: compared(word, part.means(env), value)
    )


def _comparison(author: Author, left: Phrase, right: Phrase) -> Phrase:
    word = author.pick(COMPARISONS)
    author.use(word)
    if author.chance(15):
        left, right = right, left
    return Phrase(
        f"{left.text} {author.pick((word, word, word.upper()))} {right.text}",
        lambda env: compared(word, left.means(env), right.means(env)),
    )


def _compared_texts(author: Author, scopes: tuple[Scope, ...], depth: int) -> Phrase:
    return _comparison(author, text(author, scopes, depth=depth), text(author, scopes, depth=0, literal=60))


def _compared_numbers(author: Author, scopes: tuple[Scope, ...], _depth: int) -> Phrase:
    return _comparison(author, number(author, scopes, depth=2), number(author, scopes, depth=0, literal=60))


def _calculated(author: Author, scopes: tuple[Scope, ...], _depth: int) -> Phrase:
    return _comparison(author, calculation(author, scopes, 2), number(author, scopes, depth=0, literal=60))


def _named(author: Author, scopes: tuple[Scope, ...], _depth: int) -> Phrase:
    """Write a comparison of a property of an enumeration."""
    author.use("enum")
    scope, path = author.pick([(scope, path) for scope in scopes for path in scope.place.states])
    state, prefix = (
        author.pick(STATES),
        author.pick(("", "microsoft.graph.accountStatus", "graph.accountStatus")),
    )
    word = author.pick(("eq", "ne"))
    read = at(scope.source, path, "text")
    return Phrase(
        f"{scope.path(path)} {word} {prefix}'{state}'", lambda env: compared(word, read(env), state)
    )


def _compared_times(author: Author, scopes: tuple[Scope, ...], _depth: int) -> Phrase:
    if author.chance(30):
        inside = time(author, scopes, property_only=True)
        author.use("date")
        days = author.pick((20484, 20483, 19782, -1))
        literal = moment(days * _DAY).date().isoformat()

        def day(env: Env) -> JsonValue:
            value = inside.means(env)
            return None if value is None else _whole(value) // _DAY

        return _comparison(author, Phrase(f"date({inside.text})", day), Phrase(literal, lambda _: days))
    return _comparison(author, time(author, scopes), time(author, scopes))


def _whole(value: JsonValue) -> int:
    assert isinstance(value, int)
    return value


def _tested_text(author: Author, scopes: tuple[Scope, ...], depth: int) -> Phrase:
    name = author.pick(TEXT_TESTS)
    author.use(name)
    a, b = text(author, scopes, depth=depth), text(author, scopes, depth=0, literal=80)

    def means(env: Env) -> JsonValue:
        whole, piece = a.means(env), b.means(env)
        if not (isinstance(whole, str) and isinstance(piece, str)):
            return None
        match name:
            case "contains":
                return piece in whole
            case "startswith":
                return whole.startswith(piece)
            case _:
                return whole.endswith(piece)

    return Phrase(f"{name}({a.text},{b.text})", means)


def _listed(author: Author, scopes: tuple[Scope, ...], depth: int) -> Phrase:
    author.use("in")
    kind = author.pick(("text", "number", "time", "state"))
    states = [(scope, path) for scope in scopes for path in scope.place.states]
    items: list[Phrase]
    if kind == "state" and states:
        scope, path = author.pick(states)
        author.use("enum")
        left = Phrase(scope.path(path), at(scope.source, path, "text"))
        items = [quoted(author.pick(STATES)) for _ in range(author.pick((1, 2, 3)))]
    elif kind == "number":
        left = number(author, scopes, depth=1, bracketed=True)
        items = [number(author, scopes, depth=0, literal=100) for _ in range(author.pick((1, 2, 4)))]
    elif kind == "time":
        left = time(author, scopes)
        items = [time(author, scopes, literal=True) for _ in range(author.pick((1, 2)))]
    else:
        left = text(author, scopes, depth=depth)
        items = [quoted(author.pick(TEXTS)) for _ in range(author.pick((1, 2, 5)))]
    if author.chance(25):
        author.use("null")
        items.append(Phrase("null", lambda _: None))
    return Phrase(
        f"{left.text} in ({', '.join(item.text for item in items)})",
        lambda env: any(is_equal(left.means(env), item.means(env)) for item in items),
    )


def _is_null(author: Author, scopes: tuple[Scope, ...], _depth: int) -> Phrase:
    author.use("null")
    places = [
        (scope, path)
        for scope in scopes
        for paths in (
            scope.place.texts,
            scope.place.numbers,
            scope.place.times,
            scope.place.opens,
            scope.place.structures,
            scope.place.states,
        )
        for path in paths
    ]
    scope, path = author.pick(places)
    word = author.pick(("eq", "ne"))
    author.use(word)
    read = at(scope.source, path, "")
    return Phrase(f"{scope.path(path)} {word} null", lambda env: compared_with_null(word, read(env)))


def compared_with_null(word: str, value: JsonValue) -> bool:
    """Say whether a value is null, or is not."""
    return (value is None) == (word == "eq")


def _part(author: Author, scopes: tuple[Scope, ...], _depth: int) -> Phrase:
    """Write a part of an instant or of a date."""
    name = author.pick(PARTS)
    author.use(name)
    inside = time(author, scopes, property_only=True)
    of_date = name in {"year", "month", "day"} and author.chance(30)
    if of_date:
        author.use("date")

    def means(env: Env) -> JsonValue:
        value = inside.means(env)
        found: int | None = None if value is None else getattr(moment(_whole(value)), name)
        return found

    expected = author.pick(
        {"year": (2026, 1969, 2024), "month": (1, 12, 2), "day": (31, 30, 28)}.get(name, (0, 23, 59))
    )
    argument = f"date({inside.text})" if of_date else inside.text
    return _comparison(
        author, Phrase(f"{name}({argument})", means), Phrase(str(expected), lambda _: expected)
    )


def _opened(author: Author, scopes: tuple[Scope, ...], _depth: int) -> Phrase:
    """Write a comparison of a member that no type declares: with a literal, or with another such member."""
    places = [(scope, path) for scope in scopes for path in scope.place.opens]
    author.use("open")
    scope, path = author.pick(places)
    other, further = author.pick(places)
    kind = author.pick(("text", "number", "truth", "time", ""))
    left = Phrase(scope.path(path), at(scope.source, path, kind))
    match kind:
        case "text":
            right = text(author, scopes, depth=0, literal=80)
        case "number":
            right = number(author, scopes, depth=0, literal=80)
        case "truth":
            right = Phrase("true", lambda _: True)
        case "time":
            right = time(author, scopes, literal=True)
        case _:
            return _comparison(author, left, Phrase(other.path(further), at(other.source, further, "")))
    return _comparison(author, left, right)


def _quantified(author: Author, scopes: tuple[Scope, ...], depth: int) -> Phrase:
    # The only ones with a property of an enumeration are chosen more often.
    places = [
        (scope, path, place)
        for scope in scopes
        for path, place in scope.place.lists
        for _ in range(4 if place.states else 1)
    ]
    scope, path, place = author.pick(places)
    read = at(scope.source, path, "")
    kind = author.pick(("any", "any", "all", "any()", "$count"))
    author.use(kind, *(["nested"] if len(scopes) > 1 else []))

    def elements(env: Env) -> list[JsonValue]:
        found = read(env)
        return found if isinstance(found, list) else []

    if kind == "any()":
        return Phrase(f"{scope.path(path)}/any()", lambda env: bool(elements(env)))
    if kind == "$count":
        size = Phrase(f"{scope.path(path)}/$count", lambda env: len(elements(env)))
        return _comparison(author, size, number(author, scopes, depth=0, literal=100))
    variable = f"v{len(scopes)}"
    inner = condition(author, (*scopes, Scope(variable, place)), depth=depth - 1)
    every = all if kind == "all" else any

    def means(env: Env) -> JsonValue:
        return every(inner.means({**env, variable: element}) is True for element in elements(env))

    return Phrase(f"{scope.path(path)}/{kind}({variable}:{inner.text})", means)
