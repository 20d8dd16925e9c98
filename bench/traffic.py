"""The requests of a case, and what is a right answer to each: GET one control, PATCH one, or one and the same list.

Which control is asked for is uniform over all of them. Each client is a number; what it asked last is kept, so
that its answer can be judged.
"""

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.bodies import MICROSOFT, control_id
from bench.connection import Answer

CONTROLS_PATH = "/v1.0/security/secureScoreControlProfiles"
SCORES_PATH = "/v1.0/security/secureScores"
_OK = 200
_NO_CONTENT = 204
_ID = re.compile(rb'"id":"([^"]*)"')
_STATUS = re.compile(rb'"status":([0-9]+)')
# The most that a batch may have.
BATCHED = 20


class Traffic(Protocol):
    """Requests, and the judgement of their answers."""

    def request(self, client: int) -> bytes:
        """Return the next request of a client."""

    def is_right(self, client: int, answer: Answer) -> bool:
        """Say whether this answers the client's last request."""


def get(path: str, token: str) -> bytes:
    """Return the bytes of a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def patch(control: str, comment: str, token: str) -> bytes:
    """Return the bytes of a decision about a control."""
    body = json.dumps(decision(comment))
    return (
        f"PATCH {CONTROLS_PATH}/{control} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def decision(comment: str) -> dict[str, object]:
    """Return the body of a decision."""
    return {"comment": comment, "state": "Reviewed", "vendorInformation": MICROSOFT}


def post(path: str, value: object, token: str) -> bytes:
    """Return the bytes of a POST of JSON."""
    body = json.dumps(value)
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class GetOne:
    """GET of one control among so many; the answer must be that control."""

    def __init__(self, *, controls: int, token: str) -> None:
        self._controls = controls
        self._token = token
        self._asked: dict[int, str] = {}

    def request(self, client: int) -> bytes:
        """Ask for a random control."""
        self._asked[client] = control_id(random.randrange(self._controls))
        return get(f"{CONTROLS_PATH}/{self._asked[client]}", self._token)

    def is_right(self, client: int, answer: Answer) -> bool:
        """Look for the id in the body."""
        return answer.status == _OK and f'"id":"{self._asked[client]}"'.encode() in answer.body


class Patch:
    """A decision about one control among so many, each with a comment of its own.

    A client decides about its own share of the controls only, so that what it wrote last can be read back.
    """

    def __init__(self, *, controls: int, clients: int, token: str) -> None:
        self._controls = controls
        self._clients = clients
        self._token = token
        self._written = 0
        self.last: dict[str, str] = {}

    def request(self, client: int) -> bytes:
        """Decide about a random control of the client's share."""
        number = random.randrange(client % self._clients, self._controls, self._clients)
        self._written += 1
        control, comment = control_id(number), f"comment {self._written}"
        self.last[control] = comment
        return patch(control, comment, self._token)

    def is_right(self, client: int, answer: Answer) -> bool:
        """Look at the status; the comments are read back later."""
        del client
        return answer.status == _NO_CONTENT


class PatchBatch:
    """Decisions about so many controls in one batch, each with a comment of its own; otherwise as Patch."""

    def __init__(self, *, controls: int, clients: int, token: str) -> None:
        self._controls = controls
        self._clients = clients
        self._token = token
        self._written = 0
        self.last: dict[str, str] = {}

    def request(self, client: int) -> bytes:
        """Decide about random controls of the client's share, each of them once."""
        share = range(client % self._clients, self._controls, self._clients)
        requests: list[dict[str, object]] = []
        for number in random.sample(share, min(BATCHED, len(share))):
            self._written += 1
            control, comment = control_id(number), f"comment {self._written}"
            self.last[control] = comment
            requests.append(
                {
                    "id": str(len(requests)),
                    "method": "PATCH",
                    "url": f"/security/secureScoreControlProfiles/{control}",
                    "headers": {"Content-Type": "application/json"},
                    "body": decision(comment),
                }
            )
        return post("/v1.0/$batch", {"requests": requests}, self._token)

    def is_right(self, client: int, answer: Answer) -> bool:
        """Look at each status; the comments are read back later."""
        del client
        return answer.status == _OK and set(_STATUS.findall(answer.body)) == {b"204"}


@dataclass(frozen=True)
class Page:
    """A list as it must come: the ids in their order, in a body of at least so many bytes."""

    path: str
    ids: Sequence[bytes]
    at_least_bytes: int


class GetList:
    """GET of a list, one of these at random."""

    def __init__(self, pages: Sequence[Page], *, token: str) -> None:
        self._pages = pages
        self._token = token
        self._asked: dict[int, Page] = {}

    def request(self, client: int) -> bytes:
        """Ask for a random one of the lists."""
        page = self._asked[client] = random.choice(self._pages)
        return get(page.path, self._token)

    def is_right(self, client: int, answer: Answer) -> bool:
        """Compare the ids and the length."""
        page = self._asked[client]
        enough = answer.status == _OK and len(answer.body) >= page.at_least_bytes
        return enough and _ID.findall(answer.body) == page.ids


class Recorded:
    """The requests of another traffic, sent to the bare server, which answers each with the same bytes."""

    def __init__(self, traffic: Traffic, answer: Answer) -> None:
        self._traffic = traffic
        self._answer = answer

    def request(self, client: int) -> bytes:
        """Ask what the other one would ask."""
        return self._traffic.request(client)

    def is_right(self, client: int, answer: Answer) -> bool:
        """Compare status and body."""
        del client
        return answer.status == self._answer.status and answer.body == self._answer.body
