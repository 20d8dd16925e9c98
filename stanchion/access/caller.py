"""The caller: what a verified token says about who asks, as far as it still stands."""

from dataclasses import dataclass

from stanchion.errors import Forbidden
from stanchion.ledger.changes import Actor
from stanchion.ledger.decisions import is_of_provider
from stanchion.ledger.working_set import Stored
from stanchion.model.json_text import JsonObject


@dataclass(frozen=True)
class Caller:
    """Who asks, for one request."""

    tenant_id: str
    actor: Actor
    app_id: str
    permissions: frozenset[str]
    delegated: bool  # the token speaks for a person: it has `scp`
    wids: frozenset[str] = frozenset()  # role template ids in lower case
    without_roles: bool = False  # its issuer knows no directory roles, so that a person needs none
    provider: str | None = None  # the only provider whose data this app may see; None: all

    def may_see(self, stored: Stored) -> bool:
        """Say whether the caller may see an entity; without a limit its body is not even read."""
        return self.provider is None or is_of_provider(stored.value, self.provider)

    def require_own_provider(self, entity: JsonObject) -> None:
        """Raise Forbidden where a limited caller writes an entity that is not its provider's."""
        if self.provider is not None and not is_of_provider(entity, self.provider):
            raise Forbidden(
                f"This app may write as provider '{self.provider}' only.", target="vendorInformation"
            )

    def require_own_provider_if_named(self, patch: JsonObject) -> None:
        """Raise Forbidden where a limited caller's patch would give an entity away; what it leaves out stays."""
        information = patch.get("vendorInformation", {})
        if not isinstance(information, dict) or "provider" in information:
            self.require_own_provider(patch)
