"""Request ids: in the form of UUIDs, by which a request is found again in the log."""

import secrets
from collections.abc import Iterator
from itertools import count
from uuid import uuid4

# The last group of a UUID: twelve hexadecimal digits.
_COUNTED_DIGITS = 12
_COUNTED = 16**_COUNTED_DIGITS


def request_ids() -> Iterator[str]:
    """Yield ids for ever: a random UUID of which the last group counts on, from anywhere and past its end.

    They are unique and no secret, so that random bits for each would be a cost without a use.
    """
    ours = str(uuid4())[:-_COUNTED_DIGITS]
    for number in count(secrets.randbelow(_COUNTED)):
        yield f"{ours}{number % _COUNTED:012x}"
