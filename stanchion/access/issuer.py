"""The built-in issuer: signs tokens, publishes its keys, and says where its endpoints are.

- Discovery and JWKS are what azure-identity and MSAL read (OpenID Connect Discovery 1.0, RFC 7517); the
  issuer in the document is on the origin asked, because MSAL refuses any other.
- Any tenant may stand in the path: the document does not tell which tenants exist. Where it is `common` or
  `organizations`, the issuer names none but has a place for it, `{tenantid}`, as Entra's has.
"""

import logging
import re
from pathlib import Path

import msgspec
from joserfc import jws
from joserfc.jwk import RSAKey

from stanchion.access.claims import Claims
from stanchion.access.client_assertion import ASSERTION_ALGORITHMS
from stanchion.access.clouds import TENANT_PLACE
from stanchion.access.directory import Directory
from stanchion.access.key_file import read_key_file
from stanchion.access.keys import ALGORITHM, JwkObject, open_private_key
from stanchion.access.token_request import EndpointVersion
from stanchion.errors import NotFound, OperatorError, ServiceUnavailable
from stanchion.model.json_text import JsonObject, dump_json

_log = logging.getLogger(__name__)

# A GUID, or a name such as `common`: nothing that would need escaping inside an address.
_PATH_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9])?")
_ANY_TENANT = frozenset({"common", "organizations"})


class Issuer:
    """Signs with the newest key of the directory, which the key file opens."""

    def __init__(self, directory: Directory, *, key_file: Path) -> None:
        self._directory = directory
        self._key_file = key_file
        self._signer: tuple[str, RSAKey] | None = None

    def sign(self, claims: Claims) -> str:
        """Return the token that says `claims`.

        Raises ServiceUnavailable where the store has no signing key or the key file does not open it; the log
        says why.
        """
        try:
            return sign(claims, self._key())
        except OperatorError as error:
            _log.error("No token can be signed: %s", error.message)
            raise ServiceUnavailable("No token can be signed now; the server's log says why.") from None

    def key_set(self, *, now_seconds: float) -> bytes:
        """Return the JSON of the keys that verify now (RFC 7517 5)."""
        rows = self._directory.published_keys(now_seconds=now_seconds)
        return dump_json({"keys": [msgspec.json.decode(row.public_jwk, type=JwkObject) for row in rows]})

    def _key(self) -> RSAKey:
        row = self._directory.signing_key()
        if row is None:
            raise OperatorError("The store has no signing key; `stanchion key rotate` makes one.")
        if self._signer is None or self._signer[0] != row.kid:
            # The file is read anew for each key: a rotation after its loss makes another one.
            key = open_private_key(row.sealed_private_key, read_key_file(self._key_file), kid=row.kid)
            self._signer = (row.kid, key)
        return self._signer[1]


def sign(claims: Claims, key: RSAKey) -> str:
    """Return the token that says `claims`, signed by a key that has a kid."""
    header = {"typ": "JWT", "alg": ALGORITHM, "kid": key.kid}
    return jws.serialize_compact(header, msgspec.json.encode(claims), key, algorithms=[ALGORITHM])


def discovery_document(origin: str, path_tenant: str, *, version: EndpointVersion = "v2.0") -> bytes:
    """Return the OpenID Connect configuration for the tenant named in the path.

    Raises NotFound where the path names none.
    """
    if _PATH_TENANT.fullmatch(path_tenant) is None:
        raise NotFound("The path names no tenant: a tenant id, or a name such as common, is expected.")
    tenant = path_tenant.lower()
    base = f"{origin}/{tenant}"
    endpoints = f"{base}/oauth2/v2.0" if version == "v2.0" else f"{base}/oauth2"
    document: JsonObject = {
        "issuer": f"{origin}/{TENANT_PLACE if tenant in _ANY_TENANT else tenant}/v2.0",
        "authorization_endpoint": f"{endpoints}/authorize",
        "token_endpoint": f"{endpoints}/token",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["token"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "scopes_supported": ["https://graph.microsoft.com/.default", f"{origin}/.default"],
        "claims_supported": list(Claims.__struct_fields__),
        "request_uri_parameter_supported": False,
        "tenant_region_scope": None,
        "cloud_instance_name": origin.partition("://")[2],
    }
    return dump_json(document)
