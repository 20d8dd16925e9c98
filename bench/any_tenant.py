"""Requests to any of many tenants, each with its own token: tenant and control are uniform over all."""

import random
from collections.abc import Sequence

from bench.bodies import control_id
from bench.connection import Answer
from bench.many_tenants import CONTROLS
from bench.traffic import CONTROLS_PATH, get, patch

_OK, _NO_CONTENT = 200, 204


class GetAny:
    """GET of one control of one tenant, any of them."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self._asked: dict[int, bytes] = {}

    def request(self, client: int) -> bytes:
        """Ask for a random control of a random tenant."""
        control = control_id(random.randrange(CONTROLS))
        self._asked[client] = f'"id":"{control}"'.encode()
        return get(f"{CONTROLS_PATH}/{control}", random.choice(self._tokens))

    def is_right(self, client: int, answer: Answer) -> bool:
        """Look for the id in the body."""
        return answer.status == _OK and self._asked[client] in answer.body


class EachOnce(GetAny):
    """GETs with one token after the other, so that each was used."""

    def __init__(self, tokens: Sequence[str]) -> None:
        super().__init__(tokens)
        self._turn = 0

    def request(self, client: int) -> bytes:
        """Ask with the next token."""
        self._turn += 1
        self._asked[client] = b'"id":"control_00000"'
        return get(f"{CONTROLS_PATH}/control_00000", self._tokens[self._turn % len(self._tokens)])

    @property
    def done(self) -> bool:
        """Say whether all were used."""
        return self._turn > len(self._tokens)


class PatchAny:
    """A decision about one control of one tenant, any of them, each with a comment of its own."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self._written = 0

    def request(self, client: int) -> bytes:
        """Decide about a random control of a random tenant."""
        del client
        self._written += 1
        control = control_id(random.randrange(CONTROLS))
        return patch(control, f"comment {self._written}", random.choice(self._tokens))

    def is_right(self, client: int, answer: Answer) -> bool:
        """Look at the status."""
        del client
        return answer.status == _NO_CONTENT
