"""The usual body of a PATCH of a control, read in one step at a fifth of what the strict reading costs.

- A body is plain where it can mean one thing only: no escapes, no name twice, no property but those of a decision
  and of the product, each a text or null. It then asks for what `parse_request` would make of it.
- Any other body, and any that must be refused, is left to the strict reading, which has the words for it.
"""

import msgspec
from msgspec import UNSET, UnsetType

from stanchion.ledger.decisions import DecisionRequest, MaybeStatus, MaybeText, Owner, status_of
from stanchion.model.edm import RootName
from stanchion.model.json_text import JsonObject


class _Product(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    vendor: str
    provider: str
    provider_version: MaybeText = UNSET
    sub_provider: MaybeText = UNSET
    type: str | UnsetType = msgspec.field(default=UNSET, name="@odata.type")

    @property
    def quotes(self) -> int:
        """How many quotation marks it has, if each name is there once."""
        return _quotes((self.vendor, self.provider, self.provider_version, self.sub_provider, self.type))

    @property
    def details(self) -> JsonObject:
        """What is said of the product beside its names."""
        pairs = (("providerVersion", self.provider_version), ("subProvider", self.sub_provider))
        said: JsonObject = {name: value for name, value in pairs if isinstance(value, str)}
        return {"vendorInformation": said} if said else {}


class _Body(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    assigned_to: MaybeText = UNSET
    comment: MaybeText = UNSET
    tenant_note: MaybeText = UNSET
    state: str | UnsetType = UNSET
    control_state_updates: str | UnsetType = UNSET
    type: str | UnsetType = msgspec.field(default=UNSET, name="@odata.type")
    vendor_information: _Product | UnsetType = UNSET

    @property
    def quotes(self) -> int:
        """How many quotation marks it has, if each name is there once."""
        states = (self.state, self.control_state_updates)
        own = _quotes((self.assigned_to, self.comment, self.tenant_note, *states, self.type))
        product = self.vendor_information
        return own if product is UNSET else own + _QUOTES_OF_ONE + product.quotes


_QUOTES_OF_ONE = 2  # around a name, or a text
_decoder = msgspec.json.Decoder(_Body)


def parse_plain(body: bytes, *, root: RootName) -> DecisionRequest | None:
    """Return what a plain body asks for; None for one that has to be read strictly."""
    # Where nothing is escaped, a quotation mark begins or ends a name or a text: their number tells of doubled names.
    if b"\\" in body:
        return None
    try:
        read = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return _request(read, root=root) if body.count(b'"') == read.quotes else None


def _request(body: _Body, *, root: RootName) -> DecisionRequest | None:
    said_twice = UNSET not in (body.comment, body.tenant_note) or UNSET not in (
        body.state,
        body.control_state_updates,
    )
    state = body.control_state_updates if body.state is UNSET else body.state
    status: MaybeStatus | None = UNSET if state is UNSET else status_of(state)
    product = body.vendor_information
    if said_twice or status is None:
        return None
    comment = body.tenant_note if body.comment is UNSET else body.comment
    if product is UNSET:
        return DecisionRequest(None, body.assigned_to, comment, status, {}) if root == "beta" else None
    if not product.vendor or not product.provider:
        return None
    owner = Owner(product.vendor, product.provider)
    return DecisionRequest(owner, body.assigned_to, comment, status, product.details)


def _quotes(values: tuple[MaybeText, ...]) -> int:
    """Return how many quotation marks names with these values have; an absent one has none."""
    count = 0
    for value in values:
        if value is not UNSET:
            count += _QUOTES_OF_ONE if value is None else 2 * _QUOTES_OF_ONE
    return count
