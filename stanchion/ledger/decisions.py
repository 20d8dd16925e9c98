"""Decisions about a control: what a PATCH asks for, and how Graph's four states stand for our seven statuses.

- Both versions accept the union of the two published bodies: `assignedTo`; `comment` or `tenantNote`; `state`,
  or `controlStateUpdates` given as a string. The same thing said twice with different values is refused.
- States match without regard to case: Default, Ignored (also `ignore`), ThirdParty, Reviewed, and
  AlternateMitigation, which real tenants send though no page lists it.
- What is not sent stays; null clears `assignedTo` and `comment`; a null `state` is refused.

Sources: Graph "Update secureScoreControlProfile" (v1.0 and beta), design section 3 "Decisions".
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias, TypeVar, cast

import msgspec
from msgspec import UNSET, UnsetType

from stanchion.errors import BadRequest
from stanchion.model.check import check_entity
from stanchion.model.edm import CONTROL_PROFILES, RootName
from stanchion.model.json_text import JsonObject, JsonValue, json_kind
from stanchion.model.text import folded
from stanchion.model.wording import shown

# UNSET marks what a request does not speak of.
MaybeText: TypeAlias = str | UnsetType | None
MaybeStatus: TypeAlias = "Status | UnsetType"


class Status(StrEnum):
    """What is decided about a control, as the ledger keeps it."""

    TO_ADDRESS = "toAddress"
    PLANNED = "planned"
    RISK_ACCEPTED = "riskAccepted"
    THIRD_PARTY = "thirdParty"
    ALTERNATE_MITIGATION = "alternateMitigation"
    REVIEWED = "reviewed"
    COMPLETED = "completed"

    @property
    def state(self) -> str:
        """The state under which Graph's clients see the status."""
        return _SHOWN[self]


_SHOWN: Mapping[Status, str] = MappingProxyType(
    {
        Status.TO_ADDRESS: "Default",
        Status.PLANNED: "Default",
        Status.COMPLETED: "Default",
        Status.RISK_ACCEPTED: "Ignored",
        Status.THIRD_PARTY: "ThirdParty",
        Status.ALTERNATE_MITIGATION: "ThirdParty",
        Status.REVIEWED: "Reviewed",
    }
)
_STATUSES: Mapping[str, Status] = MappingProxyType(
    {
        "default": Status.TO_ADDRESS,
        "ignored": Status.RISK_ACCEPTED,
        "ignore": Status.RISK_ACCEPTED,
        "thirdparty": Status.THIRD_PARTY,
        "reviewed": Status.REVIEWED,
        "alternatemitigation": Status.ALTERNATE_MITIGATION,
    }
)
Sent = TypeVar("Sent", MaybeText, MaybeStatus)
COMMAND_NAMES = ("assignedTo", "comment", "tenantNote", "state")
ALLOWED_STATES = "Default, Ignored, ThirdParty, Reviewed, AlternateMitigation"
_WRAPPER = "secureScoreControlProfile"


_WIRE_NAMES = {
    "assigned_to": "assignedTo",
    "expires": "expiresDateTime",
    "updated_by": "updatedBy",
    "updated": "updatedDateTime",
}


class Owner(msgspec.Struct, frozen=True):
    """The product that owns a control; compared without regard to case (A to Z)."""

    vendor: str
    provider: str

    def matches(self, other: "Owner | None") -> bool:
        """Say whether both name the same product."""
        return self == other or (other is not None and self.folded == other.folded)

    @property
    def folded(self) -> tuple[str, str]:
        """The pair with A to Z in lower case."""
        return folded(self.vendor), folded(self.provider)

    def __str__(self) -> str:
        return f"{self.vendor}/{self.provider}"


MICROSOFT = Owner("Microsoft", "SecureScore")


class DecisionRequest(msgspec.Struct, frozen=True):
    """A PATCH of a control, understood; `echoed` holds the properties that are only sent back."""

    owner: Owner | None
    assigned_to: MaybeText
    comment: MaybeText
    status: MaybeStatus
    echoed: JsonObject


class Standing(msgspec.Struct, frozen=True, rename=_WIRE_NAMES):
    """The decision that stands for a control."""

    status: Status = Status.TO_ADDRESS
    assigned_to: str | None = None
    comment: str | None = None
    approver: str | None = None
    expires: str | None = None
    updated_by: str | None = None
    updated: str | None = None

    @classmethod
    def read(cls, decision: JsonObject | None) -> "Standing":
        """Return what a stored decision says; without one, what holds for a control nobody touched."""
        return _UNTOUCHED if decision is None else msgspec.convert(decision, cls)

    def written(self, id: str, *, control_id: str, owner: Owner | None) -> JsonObject:
        """Return the decision as an entity of the ledger, about a control of this product."""
        return {
            "id": id,
            "controlId": control_id,
            "vendor": owner.vendor if owner is not None else None,
            "provider": owner.provider if owner is not None else None,
            **self.kept(),
        }

    def kept(self) -> JsonObject:
        """Return all that the ledger keeps of the decision, of which Graph's clients see a part."""
        return cast("JsonObject", msgspec.to_builtins(self))

    def shown(self) -> JsonObject:
        """Return the decision as the entry of `controlStateUpdates` on the Graph roots."""
        return {
            "assignedTo": self.assigned_to,
            "comment": self.comment,
            "state": _SHOWN[self.status],
            "updatedBy": self.updated_by,
            "updatedDateTime": self.updated,
        }


_UNTOUCHED = Standing()


def parse_request(body: JsonObject, *, root: RootName) -> DecisionRequest:
    """Read the body of a PATCH by itself; raises BadRequest naming the property at fault."""
    if isinstance(body.get(_WRAPPER), dict):
        raise BadRequest(
            f"The properties must stand at the top of the body, not inside '{_WRAPPER}'.", target=_WRAPPER
        )
    rest = dict(body)
    assigned_to = _text(rest, "assignedTo")
    comment = _same("comment", _text(rest, "comment"), "tenantNote", _text(rest, "tenantNote"))
    # As anything but a string it is the property of that name.
    old_state = (
        UNSET
        if not isinstance(body.get("controlStateUpdates"), str)
        else _status(rest, "controlStateUpdates")
    )
    status = _same("state", _status(rest, "state"), "controlStateUpdates", old_state)
    rest = check_entity(rest, CONTROL_PROFILES, whole=False)
    information = rest.pop("vendorInformation", None)
    owner = _owner(information, required=root == "v1.0")
    return DecisionRequest(owner, assigned_to, comment, status, {**rest, **_product_details(information)})


def status_of(state: str) -> Status | None:
    """Return the status that a Graph state stands for, in any case; None for any other text."""
    return _STATUSES.get(state.lower())


def parse_status(value: JsonValue, *, path: str) -> Status:
    """Return the status that a Graph state stands for; raises BadRequest naming the states allowed."""
    status = status_of(value) if isinstance(value, str) else None
    if status is None:
        given = shown(value) if isinstance(value, str) else json_kind(value)
        raise BadRequest(f"The value of '{path}' must be one of {ALLOWED_STATES}, not {given}.", target=path)
    return status


def is_of_provider(entity: JsonObject, provider: str) -> bool:
    """Say whether an entity names this provider, compared as owners are."""
    information = entity.get("vendorInformation")
    named = information.get("provider") if isinstance(information, dict) else None
    return isinstance(named, str) and Owner("", named).matches(Owner("", provider))


def owner_of(profile: JsonObject) -> Owner | None:
    """Return the product that an entity belongs to, None where it does not name both parts."""
    information = profile.get("vendorInformation")
    if not isinstance(information, dict):
        return None
    vendor, provider = information.get("vendor"), information.get("provider")
    if isinstance(vendor, str) and isinstance(provider, str) and vendor and provider:
        return Owner(vendor, provider)
    return None


def _text(rest: JsonObject, name: str) -> MaybeText:
    if name not in rest:
        return UNSET
    value = rest.pop(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(
            f"The value of '{name}' must be a string or null, not {json_kind(value)}.", target=name
        )
    return value


def _status(rest: JsonObject, name: str) -> MaybeStatus:
    return parse_status(rest.pop(name), path=name) if name in rest else UNSET


def _same(name: str, value: Sent, old_name: str, old_value: Sent) -> Sent:
    if value is not UNSET and old_value is not UNSET and value != old_value:
        raise BadRequest(
            f"'{name}' and '{old_name}' say the same thing and must not differ; send one of them.",
            target=old_name,
        )
    return old_value if value is UNSET else value


def _product_details(information: JsonValue) -> JsonObject:
    """Return what is said of the product beside its names; clients send null for what they do not know."""
    details = information if isinstance(information, dict) else {}
    said: JsonObject = {
        name: value
        for name, value in details.items()
        if name not in {"vendor", "provider"} and value is not None
    }
    return {"vendorInformation": said} if said else {}


def refuse_commands(control: JsonObject) -> None:
    """Raise BadRequest where a new control has a property that PATCH takes for a command.

    Kept as an open property it would be carried out by whoever sends back what they read.
    """
    for name in COMMAND_NAMES:
        if name in control:
            raise BadRequest(
                f"{shown(name)} is no property of a control; PATCH records it as a decision, and "
                "'controlStateUpdates' shows it.",
                target=name,
            )


def _owner(information: JsonValue, *, required: bool) -> Owner | None:
    if information is None and not required:
        return None
    given = information if isinstance(information, dict) else {}
    vendor, provider = given.get("vendor"), given.get("provider")
    missing = [name for name, value in (("provider", provider), ("vendor", vendor)) if not value]
    if missing:
        names = " and ".join(f"'vendorInformation/{name}'" for name in missing)
        raise BadRequest(
            f"{names} must be given: the product that owns the control, such as vendor 'Microsoft' and "
            "provider 'SecureScore'.",
            target="vendorInformation",
        )
    return Owner(cast("str", vendor), cast("str", provider))
