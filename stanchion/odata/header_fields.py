"""Lists in header fields: values between commas, each with parameters between semicolons.

A quoted string holds both characters as plain text (RFC 9110 5.6.1, 5.6.4, 5.6.6). What does not follow the
grammar is read as far as it goes: a header never fails here, it says nothing that anyone looks for.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Element:
    """One element of a list: its value as sent, and its parameters by lower-case name; the first counts."""

    value: str
    parameters: dict[str, str]


def elements(field: str) -> Iterator[Element]:
    """Yield the elements of a field in order, empty ones left out."""
    for text in _split(field, ","):
        value, *rest = _split(text, ";")
        if value:
            yield Element(value, _parameters(rest))


def name_and_value(text: str) -> tuple[str, str]:
    """Return the lower-case name and the unquoted value of `name=value`; without a value it is empty."""
    name, _, value = text.partition("=")
    return name.strip().lower(), _unquoted(value.strip())


def _parameters(texts: list[str]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for text in texts:
        name, value = name_and_value(text)
        parameters.setdefault(name, value)
    return parameters


def _split(text: str, separator: str) -> list[str]:
    if '"' not in text:
        return [part.strip(" \t") for part in text.split(separator)]
    parts, start, quoted, escaped = [], 0, False, False
    for index, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == '"':
            quoted = not quoted
        elif quoted:
            escaped = character == "\\"
        elif character == separator:
            parts.append(text[start:index].strip(" \t"))
            start = index + 1
    return [*parts, text[start:].strip(" \t")]


def _unquoted(text: str) -> str:
    if text == '"' or not (text.startswith('"') and text.endswith('"')):
        return text
    characters = iter(text[1:-1])
    return "".join(next(characters, "") if c == "\\" else c for c in characters)
