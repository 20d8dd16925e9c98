"""An attack: how a token, an issuer or an assertion is forged, by which rule it is refused, and how that is said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.issuers.scene import Scene, Sent, bearing
from tests.issuers.standin import StandIn


@dataclass(frozen=True)
class Attack:
    """A row of the table; `says` is a part of the message of the refusal.

    `request` may also change what an issuer says; such a row needs a server that has asked nobody yet.
    """

    name: str
    clause: str
    forged: str
    request: Callable[[Scene], Sent]
    says: str
    status: int = 401


def by_token(
    name: str, clause: str, forged: str, *, token: Callable[[Scene], str], says: str, status: int = 401
) -> Attack:
    """Return an attack whose request bears a token as it should, and would write."""
    return Attack(name, clause, forged, lambda scene: bearing(token(scene)), says, status)


@dataclass(frozen=True)
class BadIssuer:
    """A row of the second table: an issuer that `stanchion issuer add` refuses.

    `arguments` arranges what the issuer says and returns what follows `issuer add`.
    """

    name: str
    clause: str
    forged: str
    arguments: Callable[[StandIn], Sequence[str]]
    says: str


@dataclass(frozen=True)
class BadAssertion:
    """A row of the third table: a client assertion that the token endpoint refuses with 401 and this AADSTS code.

    `made` returns the assertion that would be the client's, whose id it is given.
    """

    name: str
    clause: str
    forged: str
    made: Callable[[str], str]
    code: int
