"""The attack tables: forged tokens under headings in `ATTACKS`, `BAD_ISSUERS`, and `BAD_ASSERTIONS` of clients."""

from collections.abc import Mapping
from types import MappingProxyType

from tests.issuers.attack import Attack, BadAssertion, BadIssuer
from tests.issuers.attacks import (
    assertions,
    claims,
    encodings,
    entries,
    hints,
    issuers,
    key_sets,
    kinds,
    own,
    rights,
    signatures,
    transport,
)

ATTACKS: Mapping[str, tuple[Attack, ...]] = MappingProxyType(
    {
        "Algorithm and signature": signatures.ROWS,
        "Form of the token": encodings.ROWS,
        "Hints in the header": hints.ROWS,
        "Issuer, audience, tenant": claims.ROWS,
        "Kind of the token": kinds.ROWS,
        "Time and rights": rights.ROWS,
        "The way of the token": transport.ROWS,
        "Keys of the issuer": key_sets.ROWS,
        "The built-in issuer and the others": own.ROWS,
    }
)
BAD_ISSUERS: tuple[BadIssuer, ...] = (*issuers.ROWS, *entries.ROWS)
BAD_ASSERTIONS: tuple[BadAssertion, ...] = assertions.ROWS
