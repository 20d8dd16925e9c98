"""Tenant ids: how they are spelt, and which ones nobody can be.

- 1 to 64 of `[0-9a-f-]`, lower-cased at every edge and compared so; Entra's own are GUIDs.
- The tenant of personal Microsoft accounts has no security posture: Graph answers 401, so does Stanchion.
"""

import re

from stanchion.errors import BadRequest
from stanchion.model.wording import shown
from stanchion.store import STORE_CHAIN

PERSONAL_ACCOUNTS = "9188040d-6c67-4c5b-b112-36a304b66dad"

_TENANT_ID = re.compile(r"[0-9a-f-]{1,64}")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def parse_tenant_id(text: str) -> str:
    """Return the tenant id in lower case; raises BadRequest for what cannot be one."""
    tenant_id = text.lower()
    if _TENANT_ID.fullmatch(tenant_id) is None:
        raise BadRequest(
            f"{shown(text)} is not a tenant id: 1 to 64 of 0-9, a-f and '-' are allowed, best a GUID.",
            target="tenant",
        )
    if tenant_id in {STORE_CHAIN, PERSONAL_ACCOUNTS}:
        raise BadRequest(f"{tenant_id} is reserved and cannot be a tenant here.", target="tenant")
    return tenant_id


def is_guid(tenant_id: str) -> bool:
    """Say whether a tenant id in lower case is a GUID, as Entra's are."""
    return _GUID.fullmatch(tenant_id) is not None
