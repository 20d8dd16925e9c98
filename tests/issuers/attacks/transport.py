"""Attacks on the way a token is sent: twice, elsewhere than in the header, under another scheme."""

from collections.abc import Callable

from tests.issuers.attack import Attack
from tests.issuers.scene import CONTROL, Scene, Sent

EMPTY = "Access token is empty."


def _header(name: str, clause: str, forged: str, value: Callable[[str], str], *, says: str) -> Attack:
    """Return an attack by the value of the Authorization header, made of a good token."""
    return Attack(name, clause, forged, lambda scene: Sent((("Authorization", value(scene.token())),)), says)


def _other(name: str, forged: str, header: Callable[[str], tuple[str, str]], *, clause: str) -> Attack:
    return Attack(name, clause, forged, lambda scene: Sent((header(scene.token()),)), EMPTY)


def _twice(scene: Scene) -> Sent:
    return Sent((("Authorization", f"Bearer {scene.token()}"), ("Authorization", f"Bearer {scene.token()}")))


ROWS: tuple[Attack, ...] = (
    Attack("two headers", "RFC 6750 2", "two Authorization headers", _twice, "more than one"),
    Attack(
        "in the query",
        "RFC 6750 2.3, 5.3",
        "`?access_token=` holds a good token",
        lambda scene: Sent(path=f"{CONTROL}?access_token={scene.token()}"),
        EMPTY,
    ),
    Attack(
        "in the body",
        "RFC 6750 2.2",
        "`access_token` in the body holds a good token",
        lambda scene: Sent(body={"access_token": scene.token()}),
        EMPTY,
    ),
    _other(
        "in a cookie",
        "`Cookie: access_token=` holds it",
        lambda t: ("Cookie", f"access_token={t}"),
        clause="RFC 6750 2",
    ),
    _other(
        "in a header of a proxy",
        "`X-Forwarded-Access-Token` holds it",
        lambda t: ("X-Forwarded-Access-Token", t),
        clause="RFC 6750 2",
    ),
    _header("Basic", "RFC 6750 2.1", "the scheme is `Basic`", lambda t: f"Basic {t}", says="must be Bearer"),
    _header("DPoP", "RFC 9449 7.1", "the scheme is `DPoP`", lambda t: f"DPoP {t}", says="must be Bearer"),
    _header("no scheme", "RFC 6750 2.1", "the token alone", lambda t: t, says="must be Bearer"),
    _header(
        "two in one header",
        "RFC 6750 2.1",
        "`Bearer a, Bearer b`",
        lambda t: f"Bearer {t}, Bearer {t}",
        says="CompactToken parsing failed",
    ),
    _header("an empty token", "RFC 6750 2.1", "`Bearer` alone", lambda _: "Bearer ", says=EMPTY),
)
