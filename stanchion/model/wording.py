"""What messages have in common: how a caller's text is shown, and which declared name comes nearest to it.

Text of a caller is cut and escaped before it goes into a message, so that a log line stays one line.
"""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from stanchion.settings import without_password

# Long enough to recognise any declared name, short enough for a message of one line.
SHOWN_CHARACTERS = 80


def shown(text: str) -> str:
    """Return the text in single quotes, controls escaped, cut to 80 characters."""
    cut = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
    return f"'{printable(cut)}'"


def printable(text: str) -> str:
    """Return the text as it is, or escaped as a whole where it holds controls."""
    return text if text.isprintable() else ascii(text)[1:-1]


def shown_address(text: str) -> str:
    """Return a URL as `shown` does, the passwords in it hidden."""
    return shown(without_password(text))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence naming the nearest of the known names, with a blank before it, or nothing."""
    found = nearest(name, known)
    return "" if found is None else f" Did you mean '{found}'?"


def declared_ones(name: str, declared: Collection[str]) -> str:
    """Return a sentence naming the nearest of the declared names, all of them where none is much like it."""
    return did_you_mean(name, declared) or f" Declared are {', '.join(declared)}."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like this one, upper and lower case alike, or None where none is much like it."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = get_close_matches(name[:SHOWN_CHARACTERS].casefold(), by_folded, n=1)
    return by_folded[found[0]] if found else None
