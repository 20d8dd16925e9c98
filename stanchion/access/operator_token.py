"""Tokens made by an operator on the local store, as `stanchion token` prints them.

They carry the store's urn, so they are good at whatever address it is served. Who makes one without the app's
secret acts as an operator, and that is recorded.
"""

from dataclasses import dataclass, field
from pathlib import Path

from stanchion.access.administration import IssueToken
from stanchion.access.claims import (
    Claims,
    Person,
    application_claims,
    delegated_claims,
    store_authority,
)
from stanchion.access.client import Client
from stanchion.access.credentials import authenticated
from stanchion.access.directory import AdministeredStore, DirectorySource
from stanchion.access.issuer import sign
from stanchion.access.operator import find_app, new_id, parse_name, signing_key
from stanchion.access.permission import parse_permissions, parse_role
from stanchion.access.tenants import parse_tenant_id
from stanchion.errors import BadRequest, NotFound, OperatorError
from stanchion.ledger.changes import Operator


@dataclass(frozen=True)
class IssuedToken:
    """A token made on the command line."""

    token: str = field(repr=False)
    claims: Claims


@dataclass(frozen=True)
class TokenWish:
    """What `token` asks for: with `upn` a delegated token, by default with the app's permissions."""

    tenant: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    upn: str | None = None
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


def issue_token(
    store: AdministeredStore, wish: TokenWish, *, key_file: Path, actor: Operator, now_seconds: int
) -> IssuedToken:
    """Return a token that this store trusts.

    It is recorded as a change, unless the app's own secret asks for the app's own token. Raises NotFound for
    an app that the tenant has not or that is revoked, OperatorError for a wrong secret, BadRequest for
    unknown names.
    """
    tenant_id = parse_tenant_id(wish.tenant)
    app = find_app(store, wish.client_id)
    if app.tenant_id != tenant_id:
        raise NotFound(f"The tenant {tenant_id} has no app {app.client_id}.", target="client-id")
    if app.revoked:
        raise NotFound(f"The app {app.client_id} is revoked.", target="client-id")
    if wish.secret is not None and authenticated(app, wish.secret) is None:
        raise OperatorError(f"The client secret is not one of the app {app.client_id}.")
    claims = _claims(store, app, wish, now_seconds=now_seconds)
    key = signing_key(store, key_file=key_file, actor=actor)
    if wish.secret is None or wish.upn is not None:
        store.run(
            IssueToken(
                tenant_id=tenant_id,
                client_id=app.client_id,
                claims=claims,
                actor=actor,
                command_id=new_id(),
            )
        )
    return IssuedToken(sign(claims, key), claims)


def _claims(store: DirectorySource, app: Client, wish: TokenWish, *, now_seconds: int) -> Claims:
    authority = store_authority(store.store_id)
    now_seconds = max(now_seconds, app.tokens_from_seconds)
    if wish.upn is None:
        if wish.scopes or wish.roles:
            raise BadRequest("--scope and --role belong to a delegated token; say for whom with --upn.")
        return application_claims(
            authority,
            tenant_id=app.tenant_id,
            app_id=app.client_id,
            permissions=app.permissions,
            now_seconds=now_seconds,
        )
    return delegated_claims(
        authority,
        Person(parse_name(wish.upn, of="person"), tuple(parse_role(role) for role in wish.roles)),
        tenant_id=app.tenant_id,
        app_id=app.client_id,
        permissions=parse_permissions(wish.scopes) or app.permissions,
        now_seconds=now_seconds,
    )
