"""What an operator does on a store, for both kinds of stands."""

import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from stanchion.access import operator
from stanchion.access.operator_token import TokenWish, issue_token
from stanchion.cli.imports import import_bytes
from stanchion.errors import BadRequest
from stanchion.store.meta import operator as current_operator
from stanchion.store.verify import verify
from tests.databases import AnyStore

# Imports take the name of whoever runs them.
_OPERATOR = current_operator()
ACTOR = _OPERATOR.name


class Operating:
    """Acts on an open store whose keys are sealed by a file."""

    def __init__(self, store: AnyStore, key_file: Path) -> None:
        self._store = store
        self._key_file = key_file

    def issue(
        self,
        app: str,
        tenant: str,
        *,
        upn: str | None = None,
        roles: tuple[str, ...] = (),
        age_seconds: int = 0,
    ) -> str:
        """Make a token, as one `age_seconds` ago."""
        wish = TokenWish(tenant, app, upn=upn, roles=roles)
        now = int(time.time()) - age_seconds
        return issue_token(self._store, wish, key_file=self._key_file, actor=_OPERATOR, now_seconds=now).token

    def revoke_app(self, app: str) -> None:
        """Revoke an application."""
        operator.revoke_app(self._store, app, actor=_OPERATOR)

    def revoke_tokens(self, app: str) -> None:
        """End the tokens of an application."""
        operator.revoke_tokens(self._store, app, actor=_OPERATOR)

    def rotate_key(self) -> None:
        """Put a new signing key in place."""
        operator.rotate_key(self._store, key_file=self._key_file, actor=_OPERATOR)

    def add_tenant(self, tenant: str, name: str) -> None:
        """Add a tenant."""
        operator.add_tenant(self._store, tenant, name=name, actor=_OPERATOR)

    def add_app(self, tenant: str, name: str, *, permission: str, provider: str | None = None) -> str:
        """Add an application; return its id."""
        wish = operator.AppWish(tenant, name, permissions=(permission,), provider=provider)
        return operator.add_app(self._store, wish, actor=_OPERATOR).app.client_id

    def load(self, tenant: str, data: bytes) -> Mapping[str, int] | None:
        """Import a file; return its counts, None where it was refused."""
        try:
            report = import_bytes(self._store, data, source="file.json", tenant_id=tenant)
        except BadRequest:
            return None
        counts: dict[str, int] = msgspec.to_builtins(report.counts)
        return counts

    def verify(self, tenant: str) -> int:
        """Verify a tenant's chain."""
        return verify(self._store, tenant, head=None).sequence

    @property
    def epoch(self) -> str:
        """What stands in every entity tag of the store."""
        return self._store.epoch
