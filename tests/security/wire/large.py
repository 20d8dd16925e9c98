"""A tenant whose lists fill the largest pages."""

from stanchion.ledger.imports import Incoming
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.store import SQLiteStore
from tests.serving.place import Place, bringing_in, control

PAGE = "/v1.0/security/secureScoreControlProfiles?$top=999"
CHANGES = "/v1.0/security/secureScoreControlProfiles/delta()"
# Entities enough to fill a page of 16 MiB.
_ENTITIES, _CHARACTERS = 200, 80_000


def enlarge(place: Place) -> None:
    """Give every control of a place a long text."""
    entities = [{**control(number), "remediation": "r" * _CHARACTERS} for number in range(_ENTITIES)]
    store = SQLiteStore.open(place.database)
    try:
        store.run(bringing_in(*(Incoming.of(CONTROL_PROFILES, entity) for entity in entities)))
    finally:
        store.close_now()
