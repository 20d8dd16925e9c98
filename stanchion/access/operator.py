"""What an operator does on the local store: each function checks, runs one command and says what came of it.

They make the ids, secrets and keys that the commands carry. What there is to know besides the result
is in `warnings`, one sentence each.
"""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from joserfc.jwk import RSAKey

from stanchion.access.administration import (
    AddApp,
    AddSecret,
    AddTenant,
    RevokeApp,
    RevokeTokens,
    RotateKey,
)
from stanchion.access.client import Client, read_client
from stanchion.access.client_certificate import ClientCertificate
from stanchion.access.directory import AdministeredStore, DirectorySource, newest_key
from stanchion.access.key_file import read_key_file, read_or_make_key_file
from stanchion.access.keys import make_sealed_key, open_private_key
from stanchion.access.permission import (
    DEFAULT_PERMISSIONS,
    FLEET_PERMISSIONS,
    parse_permissions,
)
from stanchion.access.secrets import SECRET_BYTES, NewSecret, make_secret
from stanchion.access.tenants import is_guid, parse_tenant_id
from stanchion.errors import BadRequest, NotFound, OperatorError
from stanchion.ledger.changes import Operator
from stanchion.model.wording import shown

MAX_NAME_CHARACTERS = 256


@dataclass(frozen=True)
class AddedTenant:
    """A tenant just added."""

    tenant_id: str
    name: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class AddedApp:
    """An app just added; `secret` is shown once, and empty where it proves itself by a certificate."""

    app: Client
    secret: str = field(repr=False)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class AddedSecret:
    """A secret just added; `secret` is shown once."""

    secret: str = field(repr=False)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RotatedKey:
    """The key that signs from now on, and those that it replaced: they verify for an hour more, or no more."""

    kid: str
    retired: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()


@dataclass(frozen=True)
class AppWish:
    """What `app add` asks for; no permissions mean SecurityEvents.Read.All, no certificate a secret."""

    tenant: str
    name: str
    permissions: tuple[str, ...] = ()
    provider: str | None = None
    fleet: bool = False
    certificate: ClientCertificate | None = None


def add_tenant(store: AdministeredStore, tenant: str, *, name: str, actor: Operator) -> AddedTenant:
    """Add a tenant; raises BadRequest for an impossible id or name, Conflict where it exists."""
    tenant_id = parse_tenant_id(tenant)
    command = AddTenant(
        tenant_id=tenant_id, name=parse_name(name, of="tenant"), actor=actor, command_id=new_id()
    )
    store.run(command)
    warnings = () if is_guid(tenant_id) else (f"{tenant_id} is not a GUID, as tenant ids of Entra are.",)
    return AddedTenant(tenant_id, command.name, warnings)


def add_app(store: AdministeredStore, wish: AppWish, *, actor: Operator) -> AddedApp:
    """Add an app with a new client id, and with a secret where the wish brings no certificate.

    Raises BadRequest, or NotFound for an unknown tenant.
    """
    secret = _new_secret() if wish.certificate is None else None
    permissions = parse_permissions(wish.permissions) or DEFAULT_PERMISSIONS
    provider = parse_name(wish.provider, of="provider") if wish.provider is not None else None
    app = store.run(
        AddApp(
            tenant_id=parse_tenant_id(wish.tenant),
            client_id=new_id(),
            name=parse_name(wish.name, of="app"),
            permissions=permissions,
            provider=provider,
            fleet=wish.fleet,
            secret=secret,
            certificate=wish.certificate,
            actor=actor,
            command_id=new_id(),
        )
    )
    idle = [] if wish.fleet else sorted(FLEET_PERMISSIONS.intersection(permissions))
    secret_text = secret.text if secret is not None else ""
    return AddedApp(app, secret_text, tuple(f"{name} means nothing without --fleet." for name in idle))


def add_secret(store: AdministeredStore, client_id: str, *, actor: Operator) -> AddedSecret:
    """Add a secret to an app, which may have two; a third drops the oldest, and a warning says so."""
    app = find_app(store, client_id)
    secret = _new_secret()
    dropped = store.run(
        AddSecret(
            tenant_id=app.tenant_id,
            client_id=app.client_id,
            secret=secret,
            actor=actor,
            command_id=new_id(),
        )
    )
    warnings = () if dropped is None else (f"The oldest secret, {dropped}..., is no longer accepted.",)
    return AddedSecret(secret.text, warnings)


def revoke_app(store: AdministeredStore, client_id: str, *, actor: Operator) -> Client:
    """Revoke an app and with it its tokens; again does nothing; raises NotFound where there is none."""
    app = find_app(store, client_id)
    return store.run(
        RevokeApp(tenant_id=app.tenant_id, client_id=app.client_id, actor=actor, command_id=new_id())
    )


def revoke_tokens(store: AdministeredStore, client_id: str, *, actor: Operator) -> Client:
    """End the tokens that an app has; raises NotFound where there is none, or it is revoked."""
    app = find_app(store, client_id)
    return store.run(
        RevokeTokens(tenant_id=app.tenant_id, client_id=app.client_id, actor=actor, command_id=new_id())
    )


def find_app(store: DirectorySource, client_id: str) -> Client:
    """Return an app of any tenant, revoked or not; raises NotFound where there is none."""
    row = store.client(client_id.lower()) if is_guid(client_id.lower()) else None
    if row is None:
        raise NotFound(
            f"There is no app {shown(client_id)}; `stanchion app list` names them.", target="client-id"
        )
    return read_client(row)


def rotate_key(store: AdministeredStore, *, key_file: Path, actor: Operator) -> RotatedKey:
    """Make a new signing key, and the key file where there is none; raises OperatorError."""
    key = make_sealed_key(read_or_make_key_file(key_file))
    retired = store.run(RotateKey(key=key, actor=actor, command_id=new_id()))
    return RotatedKey(key.kid, retired=retired)


def withdraw_keys(store: AdministeredStore, *, key_file: Path, actor: Operator) -> RotatedKey:
    """Make a new signing key as `rotate_key` does, and refuse from now on what any former one signed."""
    key = make_sealed_key(read_or_make_key_file(key_file))
    withdrawn = store.run(RotateKey(key=key, actor=actor, command_id=new_id(), withdraws=True))
    return RotatedKey(key.kid, withdrawn=withdrawn)


def signing_key(store: AdministeredStore, *, key_file: Path, actor: Operator) -> RSAKey:
    """Return the key that signs; the first is made when it is first needed.

    Raises OperatorError where the key file is lost or not the one that sealed the key.
    """
    row = newest_key(store.signing_keys())
    if row is None:
        rotate_key(store, key_file=key_file, actor=actor)
        row = newest_key(store.signing_keys())
    if row is None:
        raise OperatorError("The store keeps no signing key that is made in it.")
    return open_private_key(row.sealed_private_key, read_key_file(key_file), kid=row.kid)


def ensure_signing_key(store: AdministeredStore, *, key_file: Path, actor: Operator) -> None:
    """Make sure that tokens can be signed, as before the first of them; raises what `signing_key` raises."""
    signing_key(store, key_file=key_file, actor=actor)


def parse_name(name: str, *, of: str) -> str:
    """Return a name without blanks around it; raises BadRequest naming `of` what it is."""
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        raise BadRequest(
            f"The name of the {of} must be 1 to {MAX_NAME_CHARACTERS} printable characters.", target=of
        )
    return name


def new_id() -> str:
    """Return a new client or command id."""
    return str(uuid4())


def _new_secret() -> NewSecret:
    return make_secret(secrets.token_bytes(SECRET_BYTES))
