"""Permissions: what a caller may do, and the names by which operators grant it.

- Read: SecurityEvents.Read.All or .ReadWrite.All; write: .ReadWrite.All (Graph permissions reference).
- `/ledger`: imports Ledger.Import; several tenants Ledger.Fleet.Read or .ReadWrite.
- A delegated token of ours or of Entra also needs a directory role in `wids`: to write Security or Global
  Administrator, to read also Security Reader, Security Operator or Global Reader. No `wids` is 403, as it is on
  Graph. Other issuers know no directory roles, and their tokens need none.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

from stanchion.access.caller import Caller
from stanchion.access.tenants import is_guid
from stanchion.errors import BadRequest, Forbidden
from stanchion.model.wording import did_you_mean, shown

READ_ALL = "SecurityEvents.Read.All"
READ_WRITE_ALL = "SecurityEvents.ReadWrite.All"
IMPORT = "Ledger.Import"
FLEET_READ = "Ledger.Fleet.Read"
FLEET_READ_WRITE = "Ledger.Fleet.ReadWrite"

PERMISSIONS = (READ_ALL, READ_WRITE_ALL, IMPORT, FLEET_READ, FLEET_READ_WRITE)
FLEET_PERMISSIONS = frozenset({FLEET_READ, FLEET_READ_WRITE})
DEFAULT_PERMISSIONS = (READ_ALL,)

# Role template ids are the same in every Entra tenant.
ROLES: Mapping[str, str] = {
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "Global Reader": "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "Security Administrator": "194ae4cb-b126-40b2-bd5b-6091b380977d",
    "Security Operator": "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f",
    "Security Reader": "5d6b6bb7-de71-4623-b4af-96380a352509",
}
_WRITING_ROLES = ("Security Administrator", "Global Administrator")


class Need(Enum):
    """What an operation needs: any one of some permissions and, of a person, any one of some roles."""

    READ = ((READ_ALL, READ_WRITE_ALL), tuple(ROLES))
    WRITE = ((READ_WRITE_ALL,), _WRITING_ROLES)
    IMPORT = ((IMPORT,), _WRITING_ROLES)
    FLEET_READ = ((FLEET_READ, FLEET_READ_WRITE), tuple(ROLES))
    FLEET_WRITE = ((FLEET_READ_WRITE,), _WRITING_ROLES)

    def __init__(self, permissions: tuple[str, ...], roles: tuple[str, ...]) -> None:
        self.permissions = frozenset(permissions)
        self.roles = roles
        self.wids = frozenset(ROLES[role] for role in roles)
        self.permissions_text = " or ".join(permissions)


def may(caller: Caller, need: Need) -> bool:
    """Say whether the caller may do what has this need."""
    return not caller.permissions.isdisjoint(need.permissions) and (
        not caller.delegated or caller.without_roles or not caller.wids.isdisjoint(need.wids)
    )


def require(caller: Caller, need: Need) -> None:
    """Raise Forbidden, naming what is missing, unless the caller may do what has this need."""
    if may(caller, need):
        return
    if not caller.permissions and not caller.delegated:
        raise Forbidden(
            "Either scp or roles claim need to be present in the token. "
            f"This operation needs {need.permissions_text}.",
            denial="missing_permission",
        )
    lacks_permission = not caller.permissions & need.permissions
    missing = need.permissions_text if lacks_permission else f"one of the roles {', '.join(need.roles)}"
    raise Forbidden(
        "Auth token does not contain valid permissions or user does not have valid roles. "
        f"This operation needs {missing}.",
        denial="missing_permission" if lacks_permission else "missing_role",
    )


def parse_permissions(names: Iterable[str]) -> tuple[str, ...]:
    """Return permissions in their own spelling, each once; raises BadRequest naming the nearest known one."""
    by_key = {name.lower(): name for name in PERMISSIONS}
    found: dict[str, None] = {}
    for name in names:
        if name.lower() not in by_key:
            raise _unknown("permission", name, known=PERMISSIONS)
        found[by_key[name.lower()]] = None
    return tuple(found)


def parse_role(name: str) -> str:
    """Return the template id of a role given by name, with or without blanks and in any case, or by GUID.

    A GUID of a role that means nothing here is accepted, as Entra puts all of a person's roles into a token.
    Raises BadRequest naming the nearest known role.
    """
    key = name.replace(" ", "").lower()
    if is_guid(key):
        return key
    for role, template_id in ROLES.items():
        if role.replace(" ", "").lower() == key:
            return template_id
    raise _unknown("role", name, known=tuple(ROLES))


def _unknown(kind: str, name: str, *, known: tuple[str, ...]) -> BadRequest:
    guess = did_you_mean(name, known)
    return BadRequest(f"{shown(name)} is not a known {kind}.{guess} Known: {', '.join(known)}.", target=kind)
