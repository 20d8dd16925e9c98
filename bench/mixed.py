"""A mix of requests: of 20 there are 15 GETs of one control, a page of 100 controls, a filter and three PATCHes."""

import random
from itertools import count

from bench.bodies import control_id
from bench.connection import Answer
from bench.traffic import CONTROLS_PATH, get, patch

CONTROLS = 10_000
_FILTER = f"{CONTROLS_PATH}?$filter=controlCategory%20eq%20'Identity'%20and%20maxScore%20ge%205&$top=10"
_SHARES = ("get",) * 15 + ("page", "filter") + ("patch",) * 3


class Mixed:
    """The mix of requests, as traffic of a closed loop."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.written: dict[str, str] = {}
        self._asked: dict[int, str] = {}
        self._number = count()

    def request(self, client: int) -> bytes:
        """Return a request of a kind drawn at random."""
        kind = self._asked[client] = random.choice(_SHARES)
        control = control_id(random.randrange(CONTROLS))
        match kind:
            case "get":
                return get(f"{CONTROLS_PATH}/{control}", self.token)
            case "page":
                return get(f"{CONTROLS_PATH}?$top=100", self.token)
            case "filter":
                return get(_FILTER, self.token)
            case _:
                comment = self.written[control] = f"comment {next(self._number)}"
                return patch(control, comment, self.token)

    def is_right(self, client: int, answer: Answer) -> bool:
        """Look at the status, and whether there is a body where one belongs."""
        if self._asked[client] == "patch":
            return answer.status == 204
        return answer.status == 200 and len(answer.body) > 100
