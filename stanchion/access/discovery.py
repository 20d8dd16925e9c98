"""Discovery: what an OpenID Connect issuer says about itself (OpenID Connect Discovery 1.0).

- The document is at `{issuer}/.well-known/openid-configuration`, a slash at the issuer's end left out (4.1).
- Its `issuer` must be exactly the one asked (4.3): anything else would speak for somebody else.
"""

from stanchion.access.issuer_document import Fetch, IssuerFault
from stanchion.errors import BadRequest
from stanchion.model.json_text import JsonObject, parse_object
from stanchion.model.wording import shown

DISCOVERY_PATH = "/.well-known/openid-configuration"


# A set of 200 keys has some 2,000; reading the hundred thousands that fit into a document would hold up everybody.
MAX_VALUES = 20_000


def discovery_url(issuer: str) -> str:
    """Return where an issuer's document is."""
    return issuer.removesuffix("/") + DISCOVERY_PATH


async def discover(issuer: str, *, fetch: Fetch) -> str:
    """Return the address at which an issuer says that its keys are; raises IssuerFault.

    Whether that address may be used is for the caller to judge.
    """
    url = discovery_url(issuer)
    document = read_document(await fetch(url), of=url)
    named = document.get("issuer")
    if named != issuer:
        name = shown(named) if isinstance(named, str) else "nobody"
        raise IssuerFault(f"{url} speaks for {name} and not for {shown(issuer)}; the two must be equal.")
    keys_url = document.get("jwks_uri")
    if not isinstance(keys_url, str):
        raise IssuerFault(f"{url} does not say where its keys are (jwks_uri).")
    return keys_url


def read_document(data: bytes, *, of: str) -> JsonObject:
    """Return the JSON object of a document; raises IssuerFault naming its address."""
    if data.count(b",") >= MAX_VALUES:
        raise IssuerFault(f"{of} has more than {MAX_VALUES:,} values.")
    try:
        return parse_object(data)
    except BadRequest as error:
        reason = error.message.replace("The body", "what is there", 1)
        raise IssuerFault(f"{of} is not a JSON object: {reason}") from None
