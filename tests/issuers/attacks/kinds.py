"""Attacks with tokens that were made for something else: ID, refresh and logout tokens, bound ones, odd names."""

from tests.issuers.attack import Attack, by_token
from tests.issuers.minting import READ_WRITE_ALL, UPN
from tests.issuers.scene import Scene

TYPES = "wrong type"


def _id_token_of_entra(scene: Scene) -> str:
    """Return an ID token of the API's own registration, whose user has an app role."""
    return scene.entra_v2(
        azp=..., azpacr=..., nonce="678910", name="Ada", preferred_username=UPN, roles=[READ_WRITE_ALL]
    )


ROWS: tuple[Attack, ...] = (
    by_token(
        "an ID token of Entra",
        "RFC 8725 3.12, RFC 9068 5",
        "an ID token of the registration that is also the API, whose user has an app role",
        token=_id_token_of_entra,
        says="nonce",
    ),
    by_token(
        "an ID token of Keycloak",
        "RFC 8725 3.12, RFC 9068 5",
        "`typ` in the payload is `ID`, all else as in an access token",
        token=lambda scene: scene.token(typ="ID"),
        says="typ",
    ),
    *(
        by_token(
            f"an ID token by its {mark}",
            "RFC 8725 3.12",
            f"`{mark}` is in the payload, and nothing says that it is an access token",
            token=lambda scene, mark=mark: scene.entra_v2(**{mark: "x"}),  # type: ignore[misc]
            says=mark,
        )
        for mark in ("nonce", "at_hash", "c_hash")
    ),
    by_token(
        "a token bound to a key",
        "RFC 7800 3, RFC 8705 3",
        "`cnf` names the key that only the true bearer has",
        token=lambda scene: scene.token(cnf={"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        says="cnf",
    ),
    by_token(
        "a logout token",
        "RFC 8725 3.12, OpenID Connect Back-Channel Logout 1.0 2.4",
        "`events` is in the payload",
        token=lambda scene: scene.token(
            typ=..., events={"http://schemas.openid.net/event/backchannel-logout": {}}
        ),
        says="events",
    ),
    by_token(
        "a token of Cognito for a client",
        "RFC 8725 3.12",
        "`token_use` is `id`",
        token=lambda scene: scene.token(typ=..., token_use="id"),
        says="typ",
    ),
    by_token(
        "a token of no client",
        "RFC 9068 2.2",
        "no `azp`, `appid`, `client_id` or `cid`",
        token=lambda scene: scene.token(azp=..., client_id=...),
        says="client",
    ),
    by_token(
        "a token of Entra with the other version's words",
        "Stanchion: iss tells the version",
        "`iss` is of version 2.0, `ver` is `1.0`",
        token=lambda scene: scene.entra_v2(ver="1.0"),
        says="(ver)",
    ),
    by_token(
        "a name that writes a second line",
        "RFC 8725 3.10",
        "`preferred_username` holds a line break, as if somebody else had decided",
        token=lambda scene: scene.token(preferred_username="ada\noperator:root"),
        says=TYPES,
    ),
    by_token(
        "a long name",
        "RFC 8725 3.10",
        "`preferred_username` has 5,000 letters",
        token=lambda scene: scene.token(preferred_username="a" * 5000),
        says=TYPES,
    ),
    by_token(
        "a refresh token of Keycloak",
        "RFC 8725 3.12",
        "`typ` in the payload is `Refresh`",
        token=lambda scene: scene.token(typ="Refresh"),
        says="typ",
    ),
)
