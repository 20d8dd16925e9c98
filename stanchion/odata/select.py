"""`$select`: which properties an answer has, as paths (OData 4.01 URL 5.1.4).

- A part of a property is named by a path, or by `$select` in parentheses behind it: both give the same.
- Any name may be asked for; one that is not there is absent from the answer. `*` is all that lies below.
- A cast to a type of ours names no property. Other options in parentheses are not offered.
- What was selected is repeated in the context of the answer, and so is bounded even where parentheses multiply it.
"""

import re
from functools import lru_cache
from typing import TypeAlias

import msgspec

from stanchion.errors import BadRequest, NotImplementedFeature
from stanchion.model.edm import GRAPH_SETS, StructuredType
from stanchion.model.json_text import MAX_DEPTH
from stanchion.model.schema import ALIAS, NAMESPACE, types_within
from stanchion.model.wording import shown

# Twice the longest address that is read.
MAX_CHARACTERS = 16_384

Tree: TypeAlias = "dict[str, Tree | None]"
"""Names at one depth, each with those below it; None for the whole value."""

_NAME = re.compile(r"[^\W\d][\w.-]*")
_BLANKS = re.compile(r"[ \t]*")
_OPTION = re.compile(r"[ \t]*(\$?\w+)[ \t]*=")
_NOT_OFFERED = frozenset(
    {"apply", "compute", "count", "expand", "filter", "levels", "orderby", "search", "skip", "top"}
)
_CASTS = frozenset(
    f"{qualifier}.{kind.name}".lower()
    for s in GRAPH_SETS
    for kind in types_within(s.type)
    if isinstance(kind, StructuredType)
    for qualifier in (NAMESPACE, ALIAS)
)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def parse_select(text: str) -> tuple[str, ...] | None:
    """Return the paths selected, each once and none below another; None for every property.

    Raises BadRequest for what is no list of paths.
    """
    reader = _Reader(text)
    reader.read_items((), depth=0)
    if reader.place < len(text):
        raise reader.refused(reader.item)
    if "" in reader.paths:
        return None
    return tuple(path for path in reader.paths if not _lies_below(path, reader.paths))


def cut(body: bytes | msgspec.Raw, select: tuple[str, ...]) -> bytes:
    """Return a JSON object cut to the paths selected, in the order of the object; what it lacks stays absent."""
    return _cut_object(body, _tree(select))


def cut_value(value: msgspec.Raw, select: tuple[str, ...]) -> msgspec.Raw | None:
    """Return any JSON value cut to the paths selected, each item of a list by itself; None for one without parts."""
    return _cut_value(value, _tree(select))


class _Reader:
    """Reads one `$select` from left to right; `paths` are those found so far, empty for everything."""

    def __init__(self, text: str) -> None:
        self.paths: dict[str, None] = {}
        self.place = 0
        self.item = 0  # where the item at hand begins
        self._text = text
        self._characters = 0

    def read_items(self, prefix: tuple[str, ...], *, depth: int) -> None:
        while True:
            self._skip_blanks()
            self.item = self.place
            self._read_item(prefix, depth=depth)
            if not self._takes(","):
                return

    def refused(self, begin: int) -> BadRequest:
        """Return the refusal of the item that begins there."""
        item = self._text[begin:].partition(",")[0].strip()
        return BadRequest(
            f"{shown(item)} in '$select' is not a property name; names are separated by commas.",
            target="$select",
        )

    def _read_item(self, prefix: tuple[str, ...], *, depth: int) -> None:
        names = list(prefix)
        while True:
            if self._takes("*"):
                return self._add(names)
            names.append(self._name())
            self._skip_blanks()
            if not self._takes("/"):
                break
            if names[-1].lower() in _CASTS:
                names.pop()
        if not self._takes("("):
            return self._add(names)
        self._read_options(names, depth=depth + 1)
        return None

    def _read_options(self, names: list[str], *, depth: int) -> None:
        begin = self.item
        if depth + len(names) > MAX_DEPTH:
            raise BadRequest(f"'$select' is nested deeper than {MAX_DEPTH}.", target="$select")
        self._read_option(begin)
        self.read_items(tuple(names), depth=depth)
        if self._takes(";"):
            self._read_option(begin)
            raise self.refused(begin)
        if not self._takes(")"):
            raise self.refused(begin)
        self._skip_blanks()

    def _read_option(self, begin: int) -> None:
        """Read the name of an option in parentheses, which must be `$select`."""
        found = _OPTION.match(self._text, self.place)
        name = "" if found is None else found[1].lower().removeprefix("$")
        if name in _NOT_OFFERED:
            raise NotImplementedFeature(
                f"The option '${name}' of a property in '$select' is not offered; offered: $select.",
                target="$select",
            )
        if found is None or name != "select":
            raise self.refused(begin)
        self.place = found.end()

    def _add(self, names: list[str]) -> None:
        path = "/".join(names)
        self._skip_blanks()
        if path in self.paths:
            return
        self._characters += len(path)
        if self._characters > MAX_CHARACTERS or len(names) > MAX_DEPTH:
            raise BadRequest(
                f"'$select' names more than {MAX_CHARACTERS:,} characters of paths, or one of more than "
                f"{MAX_DEPTH} names.",
                target="$select",
            )
        self.paths[path] = None

    def _name(self) -> str:
        self._skip_blanks()
        found = _NAME.match(self._text, self.place)
        if found is None:
            raise self.refused(self.item)
        self.place = found.end()
        return found[0]

    def _takes(self, character: str) -> bool:
        taken = self._text.startswith(character, self.place)
        self.place += taken
        return taken

    def _skip_blanks(self) -> None:
        found = _BLANKS.match(self._text, self.place)
        self.place = self.place if found is None else found.end()


def _lies_below(path: str, others: dict[str, None]) -> bool:
    place = path.find("/")
    while place > 0:
        if path[:place] in others:
            return True
        place = path.find("/", place + 1)
    return False


@lru_cache(maxsize=256)
def _tree(select: tuple[str, ...]) -> Tree:
    tree: Tree = {}
    for path in select:
        *above, last = path.split("/")
        names = tree
        for name in above:
            below = names.setdefault(name, {})
            names = {} if below is None else below
        names[last] = None
    return tree


def _cut_object(body: bytes | msgspec.Raw, tree: Tree) -> bytes:
    kept: dict[str, msgspec.Raw] = {}
    for name, value in _MEMBERS.decode(body).items():
        if name in tree:
            below = tree[name]
            part = value if below is None else _cut_value(value, below)
            if part is not None:
                kept[name] = part
    return msgspec.json.encode(kept)


def _cut_value(value: msgspec.Raw, tree: Tree) -> msgspec.Raw | None:
    match bytes(value)[:1]:
        case b"{":
            return msgspec.Raw(_cut_object(value, tree))
        case b"[":
            parts = (_cut_value(item, tree) for item in _ITEMS.decode(value))
            return msgspec.Raw(b"[%b]" % b",".join(bytes(part) for part in parts if part is not None))
        case b"n":
            return value
        case _:
            return None
