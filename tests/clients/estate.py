"""What the clients find: the store of `tests.serving.place`, with values worth filtering and ids worth encoding."""

from urllib.parse import unquote
from uuid import UUID

from stanchion.ledger.imports import Incoming
from stanchion.model.edm import CONTROL_PROFILES, USER_PROFILES
from stanchion.model.json_text import JsonObject
from tests.serving.place import CONTROLS, MICROSOFT, TENANT, Place, bringing_in, control, control_id

CATEGORIES = ("Identity", "Device", "Apps", "Data")
# Each of them changes its spelling on the way through some client. An import writes a percent sign as %25.
ODD_IDS = (
    "odd/a slash",
    "odd it's",
    "odd 100%25",
    "odd-é ü",
    "odd x?y=z#w",
    "odd.11770.MDA_Google_EnableTwoFactorAuth",
)
USERS = 8


def rich_control(number: int) -> JsonObject:
    """Return a control with a category, a service, a rank and points, all told by its number."""
    return {
        **control(number),
        "controlCategory": CATEGORIES[number % 4],
        "service": "MDATP" if number % 10 == 0 else "AzureAD",
        "actionType": "ProviderGenerated" if number % 50 == 0 else "Config",
        "rank": number + 1,
        "maxScore": float(number % 10),
        "threats": ["Account breach", "Data Exfiltration"] if number % 3 == 0 else ["Data Spillage"],
    }


def user_id(number: int) -> str:
    """Return the id of a user, numbered from 0."""
    return str(UUID(int=number + 1))


def user(number: int) -> JsonObject:
    """Return the security profile of a user."""
    name = f"user{number}@example.com"
    return {
        "id": user_id(number),
        "azureTenantId": TENANT,
        "displayName": f"User {number}",
        "userPrincipalName": name,
        "riskScore": str(number * 10),
        "tags": ["VIP"] if number % 2 else [],
        "createdDateTime": "2026-01-01T00:00:00Z",
        "accounts": [{"service": "AzureAD", "signinName": name, "status": "active"}],
        "vendorInformation": MICROSOFT,
    }


def furnish(place: Place) -> None:
    """Put all of it into a place that nobody serves."""
    odd: list[JsonObject] = [{**control(0), "id": unquote(id), "title": f"Title of {id}"} for id in ODD_IDS]
    controls = [*(rich_control(number) for number in range(CONTROLS)), *odd]
    with place.opened() as store:
        store.run(
            bringing_in(
                *(Incoming.of(CONTROL_PROFILES, value) for value in controls),
                *(Incoming.of(USER_PROFILES, user(number)) for number in range(USERS)),
            )
        )


def all_control_ids() -> list[str]:
    """List the ids of all controls, in the order in which the server lists them."""
    return sorted([*(control_id(number) for number in range(CONTROLS)), *ODD_IDS])
