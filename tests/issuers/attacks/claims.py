"""Attacks on what a token says of its issuer, its audience and its tenant."""

from stanchion.access.tenants import PERSONAL_ACCOUNTS
from stanchion.store import STORE_CHAIN
from tests.conftest import OTHER_TENANT, TENANT
from tests.issuers.attack import Attack, by_token
from tests.issuers.minting import Claims, token
from tests.issuers.scene import CLIENT_ID, HARBOUR_KEY, YARD_KEY, Scene

AUDIENCE = "RFC 8725 3.9"
ISSUER = "RFC 8725 3.8"
LISTED = "Stanchion: an issuer speaks only for the tenants its entry lists"
BOUND = "Stanchion: with Entra the tid must be the one in iss"
LOGIN = "https://login.microsoftonline.com"
UNADDED = "cccccccc-0000-4000-8000-000000000003"


def _claimed(name: str, clause: str, forged: str, *, says: str, **changes: object) -> Attack:
    return by_token(name, clause, forged, token=lambda scene: scene.token(**changes), says=says)


def _aud(name: str, forged: str, aud: object, *, clause: str = AUDIENCE) -> Attack:
    return _claimed(name, clause, forged, says="aud", aud=aud)


def _tid(name: str, clause: str, forged: str, tid: object, *, says: str = "tid") -> Attack:
    return _claimed(name, clause, forged, says=says, tid=tid)


def _iss(name: str, forged: str, change: object, *, clause: str = ISSUER) -> Attack:
    """Return an attack by the issuer's own URL, changed by a function, or by another value."""

    def made(scene: Scene) -> str:
        return scene.token(iss=change(scene.harbour.url) if callable(change) else change)

    return by_token(name, clause, forged, token=made, says="iss")


def _entra(name: str, forged: str, *, iss: str, tid: str = TENANT, clause: str = BOUND) -> Attack:
    return by_token(name, clause, forged, token=lambda scene: scene.entra_v2(iss=iss, tid=tid), says="iss")


def _yard(scene: Scene, **changes: object) -> Claims:
    return scene.yard_claims(**changes)


ROWS: tuple[Attack, ...] = (
    _aud("no aud", "the token has no `aud`", ...),
    _aud("aud of another service", "`aud` is `https://vault.example`", "https://vault.example"),
    _aud(
        "aud of Graph",
        "`aud` is `https://graph.microsoft.com`",
        "https://graph.microsoft.com",
        clause="Stanchion: the audience is ours",
    ),
    _aud(
        "aud of Graph by its id",
        "`aud` is `00000003-0000-0000-c000-000000000000`",
        "00000003-0000-0000-c000-000000000000",
        clause="Stanchion: the audience is ours",
    ),
    _aud("aud a list without ours", "`aud` names two other services", ["account", "https://vault.example"]),
    _aud("aud an empty list", "`aud` is `[]`", []),
    _aud("aud a list in a list", '`aud` is `[["stanchion"]]`', [["stanchion"]]),
    _aud("aud an object", '`aud` is `{"stanchion": true}`', {"stanchion": True}),
    _aud("aud the beginning of ours", "`aud` is `stanchio`", "stanchio"),
    _aud("aud longer than ours", "`aud` is `stanchion/`", "stanchion/"),
    _aud("aud in another case", "`aud` is `Stanchion`", "Stanchion"),
    _aud("aud empty", "`aud` is empty", ""),
    _aud(
        "aud of another issuer's entry",
        "`aud` is what Entra's entry is configured with",
        CLIENT_ID,
        clause="RFC 8725 3.9, Stanchion: per entry",
    ),
    _iss("no iss", "the token has no `iss`", ...),
    _iss("iss of nobody", "`iss` is an issuer that was never added", "https://sso.attacker.example/realms/x"),
    _iss("iss a list", "`iss` is a list of the issuer", lambda url: [url]),
    _iss(
        "iss longer",
        "`iss` is the issuer with `.attacker.example` after it",
        lambda url: f"{url}.attacker.example",
    ),
    _iss("iss shorter", "`iss` is the issuer without its last letter", lambda url: url[:-1]),
    _iss("iss with a slash", "`iss` is the issuer with `/` after it", lambda url: f"{url}/"),
    _iss(
        "iss in another case",
        "the realm's name is in capital letters",
        lambda url: url.replace("harbour", "HARBOUR"),
    ),
    _iss("iss by http", "`iss` is the issuer with `http://`", lambda url: url.replace("https:", "http:")),
    _iss(
        "iss with a user name",
        "`iss` has a name and `@` before its host",
        lambda url: url.replace("//", "//x@"),
    ),
    _iss("iss with a query", "`iss` has `?` after it", lambda url: f"{url}?"),
    by_token(
        "iss of another issuer",
        "RFC 8725 3.8, Stanchion: keys are held per (issuer, kid)",
        "signed by issuer A, `iss` and `tid` are B's, whose key has the same `kid`",
        token=lambda scene: token(_yard(scene), HARBOUR_KEY),
        says="The signature is not valid.",
    ),
    by_token(
        "the key of another issuer",
        "RFC 8725 3.8, Stanchion: keys are held per (issuer, kid)",
        "signed by B, whose key has the same `kid`, all else as A's",
        token=lambda scene: scene.token(YARD_KEY),
        says="The signature is not valid.",
    ),
    _tid(
        "a tenant not listed",
        LISTED,
        "`tid` is a tenant of this store, listed for another issuer",
        OTHER_TENANT,
    ),
    by_token(
        "a tenant not listed, of Entra",
        LISTED,
        "Entra's own token of a tenant of this store, not listed in Entra's entry",
        token=lambda scene: scene.entra_v2(tid=OTHER_TENANT, iss=f"{LOGIN}/{OTHER_TENANT}/v2.0"),
        says="tid",
    ),
    _tid("a tenant nobody added", "Stanchion: a tid that nobody added is 401", "`tid` is a GUID", UNADDED),
    _tid(
        "a tenant not listed in capital letters",
        "Stanchion: a tenant id is lower-cased at every edge",
        "`tid` is that of another issuer's tenant, in capital letters",
        OTHER_TENANT.upper(),
    ),
    _tid(
        "personal accounts",
        "Stanchion: personal Microsoft accounts are 401",
        f"`tid` is `{PERSONAL_ACCOUNTS}`",
        PERSONAL_ACCOUNTS,
        says="Personal Microsoft accounts",
    ),
    by_token(
        "personal accounts of Entra",
        "Stanchion: personal Microsoft accounts are 401",
        "`tid` and `iss` are those of personal accounts",
        token=lambda scene: scene.entra_v2(tid=PERSONAL_ACCOUNTS, iss=f"{LOGIN}/{PERSONAL_ACCOUNTS}/v2.0"),
        says="iss",
    ),
    _tid("the store's own chain", "Stanchion: no such tenant", "`tid` is the nil GUID", STORE_CHAIN),
    _tid("no tid", "Stanchion: tid names the tenant", "the token has no `tid`", ...),
    _tid("tid null", "Stanchion: tid names the tenant", "`tid` is `null`", None),
    _tid("tid a list", "Stanchion: tid names the tenant", "`tid` is a list of the tenant", [TENANT]),
    _tid("tid a number", "Stanchion: tid names the tenant", "`tid` is a number", 1),
    _tid("tid empty", "Stanchion: 1 to 64 characters", "`tid` is empty", ""),
    _tid("tid with a blank", "Stanchion: of 0-9, a-f and -", "`tid` is the tenant and a blank", f"{TENANT} "),
    _tid(
        "tid with U+0000",
        "Stanchion: of 0-9, a-f and -",
        "`tid` is the tenant and U+0000",
        f"{TENANT}\0",
        says="payload",
    ),
    _tid("tid of SQL", "Stanchion: of 0-9, a-f and -", "`tid` is `' OR 1=1 --`", "' OR 1=1 --"),
    _entra(
        "iss of another tenant", "`iss` names another tenant than `tid`", iss=f"{LOGIN}/{OTHER_TENANT}/v2.0"
    ),
    _entra(
        "tid of another tenant",
        "`tid` is the tenant, `iss` that of the customer whose app it is",
        iss=f"{LOGIN}/{UNADDED}/v2.0",
    ),
    _entra(
        "iss of the form of discovery",
        "`iss` is Entra's form, with `{tenantid}`",
        iss=f"{LOGIN}/{{tenantid}}/v2.0",
    ),
    _entra("iss of no tenant", "`iss` is Entra's for `common`", iss=f"{LOGIN}/common/v2.0"),
    _entra(
        "iss of another cloud",
        "`iss` is that of the US government",
        iss=f"https://login.microsoftonline.us/{TENANT}/v2.0",
    ),
    _entra(
        "iss of v1.0 without its slash", "`iss` lacks the last slash", iss=f"https://sts.windows.net/{TENANT}"
    ),
    _entra(
        "iss of a host like Entra's",
        "`login.microsoftonline.com.attacker.example`",
        iss=f"{LOGIN}.attacker.example/{TENANT}/v2.0",
    ),
    _entra(
        "iss of Entra in another case", "the host is in capital letters", iss=f"{LOGIN.upper()}/{TENANT}/v2.0"
    ),
    by_token(
        "Entra's words by another issuer",
        "Stanchion: keys are held per (issuer, kid)",
        "all of it as Entra says it, signed by the key of an issuer trusted for the same tenant",
        token=lambda scene: token(scene.claims(iss=f"{LOGIN}/{TENANT}/v2.0", aud=CLIENT_ID), HARBOUR_KEY),
        says="key",
    ),
)
