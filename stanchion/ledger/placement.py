"""Where a control lives among several providers' controls of the same id.

- Control ids are unique within a tenant. Microsoft/SecureScore always keeps its bare id: another provider's
  control that holds it moves to `{id}@{provider}`, with decision and history. Otherwise first come keeps the
  id, and later ones get `@{provider}`. Where a control was placed once it stays, also when the bare id is free.
- An id stays its owner's when the control is deleted, as long as there are decisions about it: no product
  inherits what was decided about another's control.
- A provider that spells its name in another case (A to Z) is the same one: its control stays where it is.
- `@` and `%` inside an imported id are percent-encoded, so that a placed id cannot be mistaken; the suffix of the
  control's own provider stays as it is.
"""

from dataclasses import dataclass
from typing import cast

from stanchion.errors import BadRequest, Conflict, NotFound
from stanchion.ledger.controls import standing
from stanchion.ledger.decisions import MICROSOFT, Owner, owner_of
from stanchion.ledger.draft import Draft
from stanchion.ledger.edits import showing
from stanchion.ledger.working_set import Stored
from stanchion.model.check import refuse_unusable_id
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.model.text import folded
from stanchion.model.wording import shown


@dataclass(frozen=True)
class _Claim:
    """To whom an id belongs: `holder` is the control, None where only decisions about it are left."""

    holder: Stored | None
    owner: Owner | None

    def is_of(self, owner: Owner | None) -> bool:
        return self.owner is None if owner is None else owner.matches(self.owner)


def encoded_id(control_id: str, owner: Owner | None) -> str:
    """Return an imported id with `@` and `%` percent-encoded, its own provider's suffix left as it is."""
    base = _base(control_id, owner)
    return _encoded(control_id) if base is None else _encoded(base) + control_id.removeprefix(base)


def place(draft: Draft, control_id: str, owner: Owner | None) -> str:
    """Return the id under which a product's control is kept, making way for Microsoft's own."""
    claim = _claim(draft, control_id)
    if claim is None:
        placed_already = None if MICROSOFT.matches(owner) else _placed_already(draft, control_id, owner)
        return placed_already or control_id
    if claim.is_of(owner):
        return control_id
    if MICROSOFT.matches(owner):
        _move(draft, control_id, claim)
        return control_id
    return _beside(draft, control_id, owner)


def refuse_other_owner(stored: Stored, owner: Owner | None, *, holder: Owner | None) -> None:
    """Raise NotFound where the vendor and provider named do not own the control, which is its `holder`'s."""
    if owner is not None and not owner.matches(holder):
        raise NotFound(
            f"Resource {shown(stored.id)} does not belong to {shown(str(owner))}; "
            f"it belongs to {holder or 'no provider'}.",
            target="vendorInformation",
        )


def refuse_chosen_id(control_id: str) -> None:
    """Raise BadRequest for the id of a new control that would stand where another one may be placed."""
    if "@" in control_id:
        raise BadRequest(
            f"The id {shown(control_id)} cannot be chosen: '@' stands before the provider of a control whose id "
            "another product holds. Send the id without it, and the provider in 'vendorInformation'.",
            target="id",
        )


def _claim(draft: Draft, control_id: str) -> _Claim | None:
    holder = draft.get(CONTROL_PROFILES, control_id)
    if holder is not None:
        return _Claim(holder, owner_of(holder.value))
    decision = draft.latest_decision(control_id)
    if decision is None:
        return None
    vendor, provider = decision.value["vendor"], decision.value["provider"]
    named = isinstance(vendor, str) and isinstance(provider, str)
    return _Claim(None, Owner(cast("str", vendor), cast("str", provider)) if named else None)


def _placed_already(draft: Draft, control_id: str, owner: Owner | None) -> str | None:
    """Return the other id under which this product's control is: beside the bare one, or bare."""
    base = _base(control_id, owner)
    if base is not None and (spelled := _suffixed(draft, base, owner)) != control_id:
        claim = _claim(draft, spelled)
        if claim is not None and claim.is_of(owner):
            return spelled
    for other_id in (base, _suffixed(draft, control_id, owner)):
        claim = _claim(draft, other_id) if other_id is not None else None
        if claim is not None and claim.holder is not None and claim.is_of(owner):
            return other_id
    return None


def _beside(draft: Draft, control_id: str, owner: Owner | None) -> str:
    beside_id = _suffixed(draft, control_id, owner)
    claim = _claim(draft, beside_id)
    if claim is not None and not claim.is_of(owner):
        raise Conflict(
            f"{shown(control_id)} and {shown(beside_id)} both belong to other products than {shown(str(owner))}.",
            target="id",
        )
    return beside_id


def _move(draft: Draft, control_id: str, claim: _Claim) -> None:
    to = _suffixed(draft, control_id, claim.owner)
    refuse_unusable_id(to, of="control")
    if draft.get(CONTROL_PROFILES, to) is not None:
        raise Conflict(
            f"The control {shown(control_id)} must make way for Microsoft's own, but {shown(to)} exists.",
            target="id",
        )
    draft.move_decisions(control_id, to=to)
    if claim.holder is not None:
        draft.delete(CONTROL_PROFILES, control_id)
        # There may be decisions about an earlier control of the product at the new place.
        draft.put(CONTROL_PROFILES, showing({**claim.holder.value, "id": to}, standing(draft, to)))


def _base(control_id: str, owner: Owner | None) -> str | None:
    suffix = _suffix(owner)
    if folded(control_id[-len(suffix) :]) != folded(suffix):
        return None
    return control_id[: -len(suffix)] or None


def _suffixed(draft: Draft, control_id: str, owner: Owner | None) -> str:
    """Return the id beside a bare one; one that is there keeps the case in which the provider spelled itself then."""
    own_id = control_id + _suffix(owner)
    beside = draft.beside(control_id)
    if own_id in beside:
        return own_id
    return min((each for each in beside if folded(each) == folded(own_id)), default=own_id)


def _suffix(owner: Owner | None) -> str:
    return f"@{owner.provider if owner is not None else 'unknown'}"


def _encoded(text: str) -> str:
    return text.replace("%", "%25").replace("@", "%40")
