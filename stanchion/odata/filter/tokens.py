"""The words of a filter: its text cut into tokens, each with its place.

- Each character is looked at once: no quantifier of the patterns gives back what it took.
- Strings stand in single quotes, those inside doubled; in double quotes only in lists in brackets and in aliases.
- Words may hold dots, as in `microsoft.graph.accountStatus`.
- What begins with a digit is one token up to the next character that no literal holds, so that
  `2026-01-31T00:00:00Z` and `1e-5` are whole; what it means is decided later.

Source: OData 4.01 ABNF.
"""

import re
from typing import Literal, TypeAlias, cast

import msgspec

from stanchion.errors import BadRequest, NotImplementedFeature, StanchionError
from stanchion.model.wording import shown

TokenKind: TypeAlias = Literal["string", "json", "number", "guid", "word", "mark", "end"]

_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:
    (?P<string>'(?:[^']|'')*+')
  | (?P<json>"[^"\\]*+")
  | (?P<unclosed>')
  | (?P<guid>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![\w.:+-]))
  | (?P<number>-?[0-9][\w.:+-]*+ | -[Ii][Nn][Ff](?!\w))
  | (?P<word>[@$]?[^\W\d]\w*+(?:\.[^\W\d]\w*+)*+)
  | (?P<mark>[-(),:=/\[\]])
  | (?P<end>\Z)
  | (?P<unreadable>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
# A plus sign that nobody percent-encoded has become a blank: what follows it is the rest of a zone.
_WITHOUT_ZONE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:.]++")
_LOST_ZONE = re.compile(r" (?P<zone>[0-9]{2}:[0-9]{2})(?![\w.:+-])")


class Token(msgspec.Struct, frozen=True):
    """A word of a filter; `place` counts its first character from 1."""

    kind: TokenKind
    text: str
    place: int

    @property
    def shown(self) -> str:
        """How a message names the token."""
        return "the end" if self.kind == "end" else shown(self.text)


def tokens(text: str, *, name: str = "$filter") -> list[Token]:
    """Return the tokens of a text, the last of kind `end`; raises BadRequest naming the place in the option."""
    found: list[Token] = []
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            raise AssertionError("The pattern takes any character.")
        kind = match.lastgroup or "end"
        begin, position = match.span(kind)
        if kind == "number" and _WITHOUT_ZONE.fullmatch(match[kind]):
            lost = _LOST_ZONE.match(text, position)
            if lost is not None:
                position = lost.end()
                found.append(Token("number", f"{match[kind]}+{lost['zone']}", begin + 1))
                continue
        if kind in {"unclosed", "unreadable"}:
            raise _unreadable(match[kind], begin + 1, name)
        found.append(Token(cast("TokenKind", kind), match[kind], begin + 1))
        if kind == "end":
            return found


def unquoted(token: Token) -> str:
    """Return what a string token says."""
    inside = token.text[1:-1]
    return inside.replace("''", "'") if token.kind == "string" else inside


def refused(fault: str, place: int, *, name: str = "$filter", hint: str = "") -> BadRequest:
    """Return the failure that says what is wrong where: `fault` is a sentence without its full stop."""
    return BadRequest(f"{fault}, at character {place} of '{name}'.{hint}", target="$filter")


def _unreadable(character: str, place: int, name: str) -> StanchionError:
    if character == "{":
        fault = f"An object in JSON is not offered, at character {place} of '{name}'."
        return NotImplementedFeature(fault, target="$filter")
    if character == "'":
        return refused("A string has no closing quote; a quote inside a string is doubled", place, name=name)
    return refused(f"{shown(character)} means nothing here", place, name=name)
