"""Request ids: in the form of UUIDs, by which a request is found again in the log."""

import secrets
from collections.abc import Iterator
from itertools import count
from uuid import uuid4

# The last group of a UUID: twelve hexadecimal digits, of which the last three stand ready.
_COUNTED_DIGITS = 12
_TAILS = tuple(f"{number:03x}" for number in range(16**3))
_HEADS = 16**9


def request_ids() -> Iterator[str]:
    """Yield ids for ever: a random UUID of which the last group counts on, from anywhere and past its end.

    They are unique and no secret, so that random bits for each would be a cost without a use.
    """
    ours = str(uuid4())[:-_COUNTED_DIGITS]
    for number in count(secrets.randbelow(_HEADS)):
        head = f"{ours}{number % _HEADS:09x}"
        for tail in _TAILS:
            yield head + tail
