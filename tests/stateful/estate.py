"""The estate that each run begins with: three tenants, and in each of them callers of every kind.

It is made once and copied, because keys and tables take longer than most runs.
"""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from tests.databases import AnyStore
from tests.stateful.entities import Words
from tests.stateful.model import Caller, Tenant
from tests.stateful.operating import ACTOR, Operating

TENANTS = tuple(f"{letter * 8}-0000-4000-8000-00000000000{number}" for number, letter in enumerate("abc", 1))
SECURITY_ADMINISTRATOR, SECURITY_READER = "Security Administrator", "Security Reader"
_READ, _WRITE = "SecurityEvents.Read.All", "SecurityEvents.ReadWrite.All"
_AN_HOUR_AND_MORE = 4000


@dataclass(frozen=True)
class Kind:
    """A kind of caller."""

    name: str
    permission: str = _WRITE
    writes: bool = True
    provider: str | None = None
    role: str | None = None
    stands: bool = True


KINDS = (
    Kind("writer"),
    Kind("reader", _READ, writes=False),
    Kind("limited", provider="Prowler"),
    Kind("limited reader", _READ, writes=False, provider="PROWLER"),
    Kind("administrator", role=SECURITY_ADMINISTRATOR),
    Kind("viewer", role=SECURITY_READER, writes=False),
    Kind("expired", stands=False),
    Kind("revoked", stands=False),
)


@dataclass
class Estate:
    """What is known of it: the model of each tenant, its words, its callers, and their apps and tokens."""

    tenants: dict[str, Tenant] = field(default_factory=dict)
    words: dict[str, Words] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    apps: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    fallen: set[str] = field(default_factory=set)  # callers whose tokens count no more

    def settle(self, operating: Operating, tenant: str) -> None:
        """Add a tenant with a caller of each kind."""
        # Nobody can guess them, so whoever says them has seen this tenant's data.
        mark, secret = secrets.token_hex(8), secrets.token_hex(12)
        operating.add_tenant(tenant, f"Tenant {secret}")
        self.words[tenant] = Words(tenant, mark=mark, secret=secret)
        self.tenants[tenant] = Tenant(tenant)
        self.noted("tenant.add", tenant)
        for kind in KINDS:
            self._add(operating, tenant, kind, secret=secret)

    def _add(self, operating: Operating, tenant: str, kind: Kind, *, secret: str) -> None:
        name = f"{kind.name} of {tenant[0]}"
        app = operating.add_app(
            tenant, f"{kind.name} {secret}", permission=kind.permission, provider=kind.provider
        )
        self.noted("app.add", tenant)
        upn = None if kind.role is None else f"{kind.name}@{self.words[tenant].mark}.example"
        roles = () if kind.role is None else (kind.role,)
        age_seconds = _AN_HOUR_AND_MORE if kind.name == "expired" else 0
        self.tokens[name] = operating.issue(app, tenant, upn=upn, roles=roles, age_seconds=age_seconds)
        self.noted("token.issue", tenant)
        if kind.name == "revoked":
            operating.revoke_app(app)
            self.noted("app.revoke", tenant)
        if not kind.stands:
            self.fallen.add(name)
        self.apps[name] = app
        self.callers[name] = Caller(name, tenant, upn or app, writes=kind.writes, provider=kind.provider)

    def noted(self, operation: str, tenant: str) -> None:
        """Note what an operator did to a tenant."""
        self.tenants[tenant].note(operation, f"operator:{ACTOR}")

    @property
    def names(self) -> list[str]:
        """The names of all callers."""
        return list(self.callers)


def make_estate(store: AnyStore, key_file: Path) -> Estate:
    """Make the estate in an empty store, whose keys are sealed by a file."""
    estate, operating = Estate(), Operating(store, key_file)
    operating.rotate_key()
    for tenant in TENANTS:
        estate.settle(operating, tenant)
    return estate
