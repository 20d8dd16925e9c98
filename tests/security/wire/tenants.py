"""A second tenant that has an app and a score of its own."""

import time
from pathlib import Path

from stanchion.access.operator import AppWish, add_app
from stanchion.access.operator_token import TokenWish, issue_token
from stanchion.ledger.imports import ImportEntities, Incoming
from stanchion.model.edm import SECURE_SCORES
from stanchion.store import SQLiteStore
from tests.serving.place import OPERATOR, OTHER_TENANT, Place, bringing_in, score

OTHER_TOKEN_FILE = "other-token"


def add_other_app(place: Place) -> str:
    """Add an app and a score to the second tenant of a place; return a token of the app."""
    store = SQLiteStore.open(place.database)
    try:
        app = add_app(
            store, AppWish(OTHER_TENANT, "other", ("SecurityEvents.ReadWrite.All",)), actor=OPERATOR
        ).app
        store.run(_score())
        return issue_token(
            store,
            TokenWish(OTHER_TENANT, app.client_id),
            key_file=Path(f"{place.database}.key"),
            actor=OPERATOR,
            now_seconds=int(time.time()),
        ).token
    finally:
        store.close_now()


def other_token(place: Place) -> str:
    """Return the token of the second tenant's app."""
    return (place.folder / OTHER_TOKEN_FILE).read_text()


def _score() -> ImportEntities:
    entity = {**score(1), "id": f"{OTHER_TENANT}_2026-01-01", "azureTenantId": OTHER_TENANT}
    return bringing_in(Incoming.of(SECURE_SCORES, entity), tenant_id=OTHER_TENANT)
