"""Entries of issuers that nobody may make, whatever the issuer says: `stanchion issuer add` refuses them."""

from collections.abc import Callable

from stanchion.access.tenants import PERSONAL_ACCOUNTS
from stanchion.store import STORE_CHAIN
from tests.conftest import TENANT
from tests.issuers.attack import BadIssuer
from tests.issuers.attacks.issuers import ADDRESS, REST

OURS = "Stanchion: an issuer configured with Graph's own audience is refused"
LISTED = "Stanchion: an issuer speaks only for the tenants its entry lists"


def _addressed(
    name: str, forged: str, address: Callable[[str], str], *, says: str, clause: str = ADDRESS
) -> BadIssuer:
    """Return an issuer named by an address made of its own."""
    return BadIssuer(name, clause, forged, lambda standin: (address(standin.url), *REST), says)


def _entry(name: str, clause: str, forged: str, *arguments: str, says: str) -> BadIssuer:
    """Return an entry that may not be made whatever the issuer says."""
    return BadIssuer(
        name,
        clause,
        forged,
        lambda standin: [argument.replace("ISSUER", standin.url) for argument in arguments],
        says,
    )


def _audience(name: str, audience: str) -> BadIssuer:
    return _entry(
        name,
        OURS,
        f"the audience is `{audience}`",
        "global",
        "--audience",
        audience,
        "--tenant",
        TENANT,
        says="Microsoft Graph's own",
    )


ROWS: tuple[BadIssuer, ...] = (
    _addressed(
        "an issuer by http",
        "the address begins with `http://`",
        lambda u: u.replace("s:", ":", 1),
        says="https",
    ),
    _addressed("an issuer in a file", "the address is `file:///`", lambda _: "file:///etc", says="https"),
    _addressed("an issuer with a query", "the address has `?x=1`", lambda u: f"{u}?x=1", says="query"),
    _addressed(
        "an issuer with a fragment", "the address has `#x`", lambda u: f"{u}#x", says="cannot be used"
    ),
    _addressed(
        "an issuer with a user name",
        "the address has a name and `@`",
        lambda u: u.replace("//", "//x@"),
        says="cannot be used",
    ),
    _addressed(
        "Entra as any issuer",
        "Entra's own address, by which people would need no role",
        lambda _: f"https://login.microsoftonline.com/{TENANT}/v2.0",
        says="by the name of its cloud",
        clause="Stanchion: delegated tokens of Entra need a role in wids",
    ),
    _addressed(
        "Entra's v1.0 as any issuer",
        "Entra's other address",
        lambda _: f"https://sts.windows.net/{TENANT}/",
        says="by the name of its cloud",
        clause="Stanchion: delegated tokens of Entra need a role in wids",
    ),
    _entry("a cloud nobody knows", "Stanchion: clouds by name", "`globl`", "globl", *REST, says="global"),
    _audience("Graph's audience", "https://graph.microsoft.com"),
    _audience("Graph's audience with a slash", "https://graph.microsoft.com/"),
    _audience("Graph's audience by its id", "00000003-0000-0000-c000-000000000000"),
    _audience("Graph's audience in another case", "HTTPS://Graph.Microsoft.COM"),
    _audience("Graph's audience of the US government", "https://graph.microsoft.us"),
    _audience("Graph's audience of the US defence", "https://dod-graph.microsoft.us"),
    _audience("Graph's audience in China", "https://microsoftgraph.chinacloudapi.cn"),
    _entry(
        "Graph's audience of another issuer",
        OURS,
        "an issuer that is not Entra, with Graph's audience",
        "ISSUER",
        "--audience",
        "https://graph.microsoft.com",
        "--tenant",
        TENANT,
        says="Microsoft Graph's own",
    ),
    _entry(
        "an empty audience",
        "RFC 8725 3.9",
        "the audience is blank",
        "global",
        "--audience",
        " ",
        "--tenant",
        TENANT,
        says="audience",
    ),
    _entry(
        "an entry for a tenant nobody added",
        LISTED,
        "`--tenant` names a tenant that is not in the store",
        "ISSUER",
        "--audience",
        "stanchion",
        "--tenant",
        "cccccccc-0000-4000-8000-000000000003",
        says="tenant",
    ),
    _entry(
        "the tenant of personal accounts",
        "Stanchion: personal Microsoft accounts are 401",
        "`--tenant` is that of personal accounts",
        "global",
        "--audience",
        "stanchion",
        "--tenant",
        PERSONAL_ACCOUNTS,
        says="reserved",
    ),
    _entry(
        "the store's own chain as a tenant",
        LISTED,
        "`--tenant` is the nil GUID",
        "global",
        "--audience",
        "stanchion",
        "--tenant",
        STORE_CHAIN,
        says="reserved",
    ),
    _entry(
        "Entra's keys from elsewhere",
        ADDRESS,
        "`--keys-url` on a host that `--keys-host` does not list",
        "global",
        *REST,
        "--keys-url",
        "https://attacker.example/keys",
        says="--keys-host",
    ),
    _entry(
        "Entra's keys by http",
        ADDRESS,
        "`--keys-url` by `http://`",
        "global",
        *REST,
        "--keys-url",
        "http://login.microsoftonline.com/common/discovery/v2.0/keys",
        says="https",
    ),
)
