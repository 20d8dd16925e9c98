"""What a decision needs of a control: its owner, and its body with another decision shown.

A control is some 2 KB of texts that no decision changes. Only the members asked for are read out of the stored
bytes, and the others are copied as they are.
"""

import msgspec

from stanchion.ledger.decisions import Owner, Standing, owner_of
from stanchion.ledger.edits import showing
from stanchion.ledger.working_set import Stored
from stanchion.model.json_text import dump_json

# With its quotation marks it stands inside no text, where they would be escaped.
_SHOWN_IN = b'"controlStateUpdates":'


class _Product(msgspec.Struct):
    vendor: str | None = None
    provider: str | None = None


class _Members(msgspec.Struct, rename="camel"):
    vendor_information: _Product | None = None
    control_state_updates: msgspec.Raw = msgspec.Raw()


_decoder = msgspec.json.Decoder(_Members)


class ControlBody:
    """The body of a stored control, read as far as decisions need it."""

    __slots__ = ("_shown", "_stored", "owner")

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        try:
            members = _decoder.decode(stored.body)
        except msgspec.ValidationError:
            # Types do not hold in a database that somebody else wrote to.
            self.owner, self._shown = owner_of(stored.value), b""
        else:
            self.owner = _owner(members.vendor_information)
            self._shown = bytes(members.control_state_updates)

    def showing(self, decision: Standing) -> bytes:
        """Return the body that shows this decision and no other."""
        body = self._stored.body
        place = body.find(_SHOWN_IN) + len(_SHOWN_IN)
        # An open property may have a member of the same name.
        if not self._shown or body.count(_SHOWN_IN) != 1 or not body.startswith(self._shown, place):
            return dump_json(showing(self._stored.value, decision))
        return b"".join((body[:place], dump_json([decision.shown()]), body[place + len(self._shown) :]))


def _owner(product: _Product | None) -> Owner | None:
    if product is None or not product.vendor or not product.provider:
        return None
    return Owner(product.vendor, product.provider)
