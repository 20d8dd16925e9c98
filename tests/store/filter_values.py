"""The values in a filter, drawn at random with their meanings: texts, numbers and instants."""

from stanchion.model.json_text import JsonValue
from tests.store.filter_author import NOW, Author, Phrase, Scope
from tests.store.filter_meaning import BLANKS, Env, as_kind, at, calculated, fold, substring, ticks
from tests.store.filter_rows import NUMBERS, TEXTS, TIMES, WHOLE


def quoted(value: str) -> Phrase:
    """Write a string literal."""
    doubled = value.replace("'", "''")
    return Phrase(f"'{doubled}'", lambda _: value)


def text(author: Author, scopes: tuple[Scope, ...], *, depth: int, literal: int = 10) -> Phrase:
    """Write a text: a property, a literal in so many of a hundred cases, or a function."""
    if author.chance(literal):
        value = author.pick([*TEXTS, "fa", "m", "dd"])
        if author.chance(15):
            author.use("@")
            name = f"@p{len(author.aliases)}"
            author.aliases[name] = quoted(value).text
            return Phrase(name, lambda _: value)
        return quoted(value)
    if depth > 0 and author.chance(50):
        return author.pick((_changed, _substring, _concatenated))(author, scopes, depth)
    places = [(scope, path) for scope in scopes for path in scope.place.texts]
    # The place nearest to the writer is the most interesting one.
    near = [place for place in places if place[0] is scopes[-1]]
    if not near or author.chance(25):
        near = places
    scope, path = author.pick(near)
    if "/" in path:
        author.use("path")
    return Phrase(scope.path(path), at(scope.source, path, "text"))


def _changed(author: Author, scopes: tuple[Scope, ...], depth: int) -> Phrase:
    name = author.pick(("tolower", "toupper", "trim"))
    author.use(name)
    inside = text(author, scopes, depth=depth - 1)

    def means(env: Env) -> JsonValue:
        value = inside.means(env)
        if not isinstance(value, str):
            return None
        return value.strip(BLANKS) if name == "trim" else fold(value, up=name == "toupper")

    return Phrase(f"{name}({inside.text})", means)


def _substring(author: Author, scopes: tuple[Scope, ...], depth: int) -> Phrase:
    author.use("substring")
    inside = text(author, scopes, depth=depth - 1)
    start = author.pick((0, 1, 2, -1, -3, 99, 2**62, -(2**62)))
    length = author.pick((None, 0, 1, 3, -1, 2**62))
    rest = "" if length is None else f",{length}"

    def means(env: Env) -> JsonValue:
        value = inside.means(env)
        return substring(value, start, length) if isinstance(value, str) else None

    return Phrase(f"substring({inside.text},{start}{rest})", means)


def _concatenated(author: Author, scopes: tuple[Scope, ...], depth: int) -> Phrase:
    author.use("concat")
    a, b = text(author, scopes, depth=depth - 1), text(author, scopes, depth=0, literal=60)

    def means(env: Env) -> JsonValue:
        one, two = a.means(env), b.means(env)
        return one + two if isinstance(one, str) and isinstance(two, str) else None

    return Phrase(f"concat({a.text},{b.text})", means)


def number(
    author: Author, scopes: tuple[Scope, ...], *, depth: int, literal: int = 10, bracketed: bool = False
) -> Phrase:
    """Write a number: a literal in so many of a hundred cases, a property, a function or a calculation."""
    if author.chance(literal):
        value = author.pick([*NUMBERS, *WHOLE, 3, 2, 1e308, 5e-5])
        return Phrase(repr(value), lambda _: value, whole=isinstance(value, int))
    places = [
        (scope, path, whole)
        for scope in scopes
        for paths, whole in ((scope.place.numbers, False), (scope.place.wholes, True))
        for path in paths
    ]
    if places and (depth == 0 or author.chance(35)):
        scope, path, whole = author.pick(places)
        return Phrase(scope.path(path), at(scope.source, path, "number"), whole=whole)
    if depth == 0 or author.chance(30):
        return _measured(author, scopes)
    found = calculation(author, scopes, depth)
    return Phrase(f"({found.text})", found.means, whole=found.whole) if bracketed or depth < 2 else found


def _measured(author: Author, scopes: tuple[Scope, ...]) -> Phrase:
    name = author.pick(("length", "indexof"))
    author.use(name)
    inside = text(author, scopes, depth=0, literal=0)
    if name == "length":

        def length(env: Env) -> JsonValue:
            value = inside.means(env)
            return len(value) if isinstance(value, str) else None

        return Phrase(f"length({inside.text})", length, whole=True)
    piece = text(author, scopes, depth=0, literal=100)

    def index(env: Env) -> JsonValue:
        value, wanted = inside.means(env), piece.means(env)
        return value.find(wanted) if isinstance(value, str) and isinstance(wanted, str) else None

    return Phrase(f"indexof({inside.text},{piece.text})", index, whole=True)


def calculation(author: Author, scopes: tuple[Scope, ...], depth: int) -> Phrase:
    """Write a calculation of two numbers, or a minus sign before one."""
    a, b = (number(author, scopes, depth=depth - 1, literal=share, bracketed=True) for share in (10, 50))
    word = author.pick(("add", "sub", "mul", "div", "divby", "mod", "-"))
    author.use(word)
    if word == "-":

        def minus(env: Env) -> JsonValue:
            value = as_kind(a.means(env), "number")
            return None if value is None else -_real(value)

        return Phrase(f"-({a.text})", minus, whole=a.whole)
    whole = a.whole and b.whole and word != "divby"
    does = "quotient" if word == "div" and whole else word

    def means(env: Env) -> JsonValue:
        one, two = as_kind(a.means(env), "number"), as_kind(b.means(env), "number")
        return None if one is None or two is None else calculated(does, _real(one), _real(two))

    return Phrase(f"{a.text} {word} {b.text}", means, whole=whole)


def _real(value: JsonValue) -> float:
    assert isinstance(value, float)
    return value


def time(
    author: Author, scopes: tuple[Scope, ...], *, literal: bool = False, property_only: bool = False
) -> Phrase:
    """Write an instant: a property, a literal, or now."""
    places = [(scope, path) for scope in scopes for path in scope.place.times]
    kind = author.pick(("property", "property", "literal", "now"))
    if literal or (kind == "literal" and not property_only) or not places:
        value = author.pick([*TIMES, "2026-01-31", "2025-06-01"])
        count = ticks(value)
        return Phrase(value, lambda _: count)
    if kind == "now" and not property_only:
        author.use("now")
        count = ticks(NOW)
        return Phrase("now()", lambda _: count)
    scope, path = author.pick(places)
    return Phrase(scope.path(path), at(scope.source, path, "time"))
