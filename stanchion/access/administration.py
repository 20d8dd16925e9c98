"""Administration as commands: tenants, apps, their secrets, signing keys, and tokens made by an operator.

Each is recorded as a change: in the tenant it is about, key rotation in the store's own chain. Details
name what was done, never a secret, a key or a token.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from stanchion.access.claims import CLOCK_SKEW_SECONDS, TOKEN_LIFETIME_SECONDS, Claims
from stanchion.access.client import Client, StoredCertificate, StoredSecret, client_of, client_row
from stanchion.access.client_certificate import ClientCertificate
from stanchion.access.keys import ALGORITHM, SealedKey
from stanchion.access.secrets import NewSecret
from stanchion.errors import Conflict, NotFound
from stanchion.ledger.changes import Operator
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied
from stanchion.ledger.working_set import Key, Row, RowKey, RowValue, TableKey
from stanchion.model.instant import TICKS_PER_SECOND
from stanchion.model.json_text import JsonObject
from stanchion.store import STORE_CHAIN

# Two, so that a client can change over from one to the other without a gap.
MAX_SECRETS = 2

CLIENTS, SIGNING_KEYS, TENANTS = "clients", "signing_keys", "tenants"


@dataclass(frozen=True, kw_only=True)
class AddTenant:
    """Add a tenant, or begin anew with one that was erased; Conflict where it exists."""

    tenant_id: str
    name: str
    actor: Operator
    command_id: str

    def reads(self) -> Iterable[Key]:
        """Name the tenant's row, which is there for one that was erased."""
        return (RowKey(TENANTS, self.tenant_id),)

    def apply(self, draft: Draft) -> Applied[None]:
        """Start the tenant's chain, or go on with it after the change that says it was erased."""
        if draft.exists and draft.erased_ticks is None:
            raise Conflict(f"The tenant {self.tenant_id} exists already.", target="tenant")
        row: Row = {
            "name": self.name,
            "created_ticks": draft.now_ticks,
            "erased_ticks": None,
            "erased_sequence": self._erased_sequence(draft) if draft.exists else None,
        }
        draft.about_erasure = draft.exists
        draft.creates_tenant = not draft.exists
        draft.put_row(TENANTS, self.tenant_id, row)
        return Applied(None, "tenant.add", {"tenant": self.tenant_id, "name": self.name})

    def _erased_sequence(self, draft: Draft) -> RowValue:
        former = draft.row(TENANTS, self.tenant_id)
        sequence = former["erased_sequence"] if former is not None else None
        if sequence != draft.next_sequence - 1:
            raise Conflict(
                f"The tenant {self.tenant_id} is being erased; `stanchion tenant erase {self.tenant_id}` ends that.",
                target="tenant",
            )
        return sequence


@dataclass(frozen=True, kw_only=True)
class AddApp:
    """Add an app to a tenant that exists, with a first secret or certificate to prove itself by."""

    tenant_id: str
    client_id: str
    name: str
    permissions: tuple[str, ...]
    provider: str | None
    fleet: bool
    secret: NewSecret | None
    certificate: ClientCertificate | None = None
    actor: Operator
    command_id: str

    def reads(self) -> Iterable[Key]:
        """Name the row it means to write."""
        return (RowKey(CLIENTS, self.client_id),)

    def apply(self, draft: Draft) -> Applied[Client]:
        """Write the app's row and return the app."""
        if draft.row(CLIENTS, self.client_id) is not None:
            raise Conflict(f"The app {self.client_id} exists already.", target="client-id")
        app = Client(
            client_id=self.client_id,
            tenant_id=self.tenant_id,
            name=self.name,
            permissions=self.permissions,
            provider=self.provider,
            fleet=self.fleet,
            secrets=(_kept(self.secret, now_ticks=draft.now_ticks),) if self.secret else (),
            created_ticks=draft.now_ticks,
            certificates=self._certificates(draft.now_ticks),
        )
        draft.put_row(CLIENTS, app.client_id, client_row(app))
        detail: JsonObject = {
            "app": app.client_id,
            "name": app.name,
            "permissions": list(app.permissions),
            "provider": app.provider,
            "fleet": app.fleet,
            **({"thumbprint": self.certificate.thumbprint} if self.certificate else {}),
        }
        return Applied(app, "app.add", detail)

    def _certificates(self, now_ticks: int) -> tuple[StoredCertificate, ...]:
        given = self.certificate
        return (StoredCertificate(given.thumbprint, given.der, now_ticks),) if given else ()


@dataclass(frozen=True, kw_only=True)
class AppCommand:
    """What every command about one app names; it reads the app's row."""

    tenant_id: str
    client_id: str
    actor: Operator
    command_id: str

    def reads(self) -> Iterable[Key]:
        """Name the app's row."""
        return (RowKey(CLIENTS, self.client_id),)


@dataclass(frozen=True, kw_only=True)
class AddSecret(AppCommand):
    """Add a secret to an app; the result is the hint of the oldest one where that had to go."""

    secret: NewSecret

    def apply(self, draft: Draft) -> Applied[str | None]:
        """Keep the newest secrets, two at most."""
        app = live_app(draft, self.client_id)
        secrets = (*app.secrets, _kept(self.secret, now_ticks=draft.now_ticks))
        dropped = secrets[0].hint if len(secrets) > MAX_SECRETS else None
        app = replace(app, secrets=secrets[-MAX_SECRETS:])
        draft.put_row(CLIENTS, app.client_id, client_row(app))
        detail: JsonObject = {"app": app.client_id, "hint": self.secret.hint, "dropped": dropped}
        return Applied(dropped, "app.secret.add", detail)


@dataclass(frozen=True, kw_only=True)
class RevokeApp(AppCommand):
    """Revoke an app, for ever; one that is revoked already stays as it is."""

    def apply(self, draft: Draft) -> Applied[Client]:
        """Mark the app as revoked and return it."""
        app = _app(draft, self.client_id)
        if not app.revoked:
            app = replace(app, revoked_ticks=draft.now_ticks)
            draft.put_row(CLIENTS, app.client_id, client_row(app))
        return Applied(app, "app.revoke", {"app": app.client_id, "name": app.name})


@dataclass(frozen=True, kw_only=True)
class RevokeTokens(AppCommand):
    """End the tokens that a live app has; it may ask for new ones."""

    def apply(self, draft: Draft) -> Applied[Client]:
        """Note the moment, and return the app."""
        app = live_app(draft, self.client_id)
        # A token made within the second of a revocation begins at its end, and is to end by the next one too.
        former_ticks = app.tokens_from_ticks
        least_ticks = 0 if former_ticks is None else former_ticks + TICKS_PER_SECOND
        app = replace(app, tokens_from_ticks=max(draft.now_ticks, least_ticks))
        draft.put_row(CLIENTS, app.client_id, client_row(app))
        return Applied(app, "app.tokens.revoke", {"app": app.client_id, "name": app.name})


@dataclass(frozen=True, kw_only=True)
class RotateKey:
    """Put a new signing key in place of all others; the result names those whose end that sets.

    They verify until their last token has expired, or where it `withdraws`, no more: those too that were replaced
    before and still verify.
    """

    key: SealedKey
    actor: Operator
    command_id: str
    withdraws: bool = False
    tenant_id: ClassVar[str] = STORE_CHAIN

    def reads(self) -> Iterable[Key]:
        """Name all keys."""
        return (TableKey(SIGNING_KEYS),)

    def apply(self, draft: Draft) -> Applied[tuple[str, ...]]:
        """Write the new key and the end of the old ones."""
        overlap_seconds = 0 if self.withdraws else TOKEN_LIFETIME_SECONDS + CLOCK_SKEW_SECONDS
        end_ticks = draft.now_ticks + overlap_seconds * TICKS_PER_SECOND
        rows = draft.rows_of(SIGNING_KEYS).items()
        ending = {kid: row for kid, row in rows if self._ends(row, end_ticks)}
        for kid, row in ending.items():
            draft.put_row(SIGNING_KEYS, kid, {**row, "retired_ticks": end_ticks})
        draft.put_row(SIGNING_KEYS, self.key.kid, self._new_row(draft.now_ticks))
        done = "withdrawn" if self.withdraws else "retired"
        detail: JsonObject = {"key": self.key.kid, done: list(ending)}
        return Applied(tuple(ending), "key.rotate", detail)

    def _ends(self, row: Row, end_ticks: int) -> bool:
        former_ticks = row["retired_ticks"]
        if former_ticks is None:
            return True
        return self.withdraws and isinstance(former_ticks, int) and former_ticks > end_ticks

    def _new_row(self, now_ticks: int) -> Row:
        return {
            "kid": self.key.kid,
            "algorithm": ALGORITHM,
            "public_jwk": self.key.public_jwk,
            "sealed_private_key": self.key.sealed_private_key,
            "created_ticks": now_ticks,
            "retired_ticks": None,
        }


@dataclass(frozen=True, kw_only=True)
class IssueToken(AppCommand):
    """Record that an operator makes a token for a live app; what it says, never the token."""

    claims: Claims

    def apply(self, draft: Draft) -> Applied[None]:
        """Check that the app may have one."""
        app = live_app(draft, self.client_id)
        claims = self.claims
        detail: JsonObject = {
            "app": app.client_id,
            "upn": claims.upn,
            "scopes": list(claims.roles or (claims.scp or "").split()),
            "wids": list(claims.wids or ()),
            "expires": claims.exp,
        }
        return Applied(None, "token.issue", detail, recorded=True)


def live_app(draft: Draft, client_id: str) -> Client:
    """Return an app of the draft's tenant; raises NotFound where it is not there or revoked."""
    app = _app(draft, client_id)
    if app.revoked:
        raise NotFound(f"The app {client_id} is revoked.", target="client-id")
    return app


def _app(draft: Draft, client_id: str) -> Client:
    row = draft.row(CLIENTS, client_id)
    if row is None or row["tenant_id"] != draft.tenant_id:
        raise NotFound(f"The tenant {draft.tenant_id} has no app {client_id}.", target="client-id")
    return client_of(row)


def _kept(secret: NewSecret, *, now_ticks: int) -> StoredSecret:
    return StoredSecret(secret.digest, now_ticks, secret.hint)
