"""A folder with a small store in it: one tenant, a writing and a reading app, controls and scores.

Made once and copied, because a signing key and a schema take longer than most tests.
"""

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from stanchion.access.operator import AppWish, add_app, add_tenant, ensure_signing_key
from stanchion.access.operator_token import TokenWish, issue_token
from stanchion.ledger.changes import Operator
from stanchion.ledger.imports import ImportEntities, Incoming
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.model.json_text import JsonObject
from stanchion.store import SQLiteStore

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT = "66666666-7777-4888-8999-aaaaaaaaaaaa"
MICROSOFT: JsonObject = {
    "provider": "SecureScore",
    "providerVersion": None,
    "subProvider": None,
    "vendor": "Microsoft",
}
OPERATOR = Operator("tester")
CONTROLS = 200
_DAYS = 12


@dataclass(frozen=True)
class Place:
    """Where a store lies, and how to speak to it."""

    folder: Path
    client_id: str
    secret: str
    token: str  # may write
    reading_token: str

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "stanchion.db"

    @property
    def url(self) -> str:
        """What --database takes."""
        return f"sqlite:///{self.database}"

    def copied_to(self, folder: Path) -> "Place":
        """Return the same place elsewhere."""
        for file in self.folder.iterdir():
            shutil.copy(file, folder / file.name)
        return replace(self, folder=folder)


def make_place(folder: Path) -> Place:
    """Make a store in a folder."""
    place = Place(folder, "", "", "", "")
    key_file = Path(f"{place.database}.key")
    store = SQLiteStore.open(place.database)
    try:
        ensure_signing_key(store, key_file=key_file, actor=OPERATOR)
        add_tenant(store, TENANT, name="Alder Quay", actor=OPERATOR)
        add_tenant(store, OTHER_TENANT, name="Brinewood", actor=OPERATOR)
        writer = add_app(store, AppWish(TENANT, "writer", ("SecurityEvents.ReadWrite.All",)), actor=OPERATOR)
        reader = add_app(store, AppWish(TENANT, "reader", ("SecurityEvents.Read.All",)), actor=OPERATOR)
        writing, reading = (
            issue_token(
                store,
                TokenWish(TENANT, added.app.client_id),
                key_file=key_file,
                actor=OPERATOR,
                now_seconds=int(time.time()),
            ).token
            for added in (writer, reader)
        )
        store.run(_entities())
    finally:
        store.close_now()
    return Place(folder, writer.app.client_id, writer.secret, writing, reading)


def control_id(number: int) -> str:
    """Return the id of a control, numbered from 0."""
    return f"control-{number:03}"


def score_id(day: int) -> str:
    """Return the id of the score of a day of January 2026."""
    return f"{TENANT}_2026-01-{day:02}"


def control(number: int) -> JsonObject:
    """Return a control of Microsoft's."""
    return {
        "id": control_id(number),
        "azureTenantId": TENANT,
        "title": f"Title {number}",
        "implementationCost": "Low",
        "maxScore": 5,
        "vendorInformation": MICROSOFT,
    }


def score(day: int) -> JsonObject:
    """Return the score of a day of January 2026."""
    return {
        "id": score_id(day),
        "azureTenantId": TENANT,
        "createdDateTime": f"2026-01-{day:02}T00:00:00Z",
        "currentScore": 10.0 + day,
        "maxScore": 50.0,
        "vendorInformation": MICROSOFT,
        "controlScores": [
            {"controlName": control_id(number), "score": 1.0, "controlCategory": "Identity"}
            for number in range(20)
        ],
    }


def _entities() -> ImportEntities:
    controls = [Incoming.of(CONTROL_PROFILES, control(number)) for number in range(CONTROLS)]
    scores = [Incoming.of(SECURE_SCORES, score(day)) for day in range(1, _DAYS + 1)]
    return ImportEntities(
        tenant_id=TENANT,
        command_id=str(uuid4()),
        actor=OPERATOR,
        source="a test",
        digest="0" * 64,
        entities=(*controls, *scores),
    )
