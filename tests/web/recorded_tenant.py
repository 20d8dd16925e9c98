"""The tenant that recorded requests ask: comparisons, percentages, undeclared names and odd ids."""

from stanchion.model.edm import SECURE_SCORES, USER_PROFILES
from stanchion.model.json_text import JsonObject, JsonValue
from tests.conftest import MICROSOFT, Api, control, score

CONTROLS = ("AdminMFAV2", "scid_2016", "scid_5094", "11770.MDA_Google_EnableTwoFactorAuth")
DAYS = 3


def fill(api: Api) -> None:
    """Store it."""
    api.add(*(rich_control(id) for id in CONTROLS))
    api.add(*(compared_score(f"2026-01-{day:02}") for day in range(1, DAYS + 1)), entity_set=SECURE_SCORES)
    api.add({"id": "0f0f", "accounts": [], "vendorInformation": MICROSOFT}, entity_set=USER_PROFILES)


def rich_control(id: str) -> JsonObject:
    """Return a control with a category, a service and a type."""
    return control(
        id,
        title=f"Require MFA: {id}",
        controlCategory="Identity",
        service="MDATP" if id.startswith("scid_") else "AzureAD",
        actionType="ProviderGenerated" if id.startswith("scid_") else "Config",
    )


def compared_score(day: str) -> JsonObject:
    """Return the score of a day with comparisons and percentages."""
    bases = ("AllTenants", "TotalSeats")
    earned: JsonObject = {
        "controlName": "AdminMFAV2",
        "controlCategory": "Identity",
        "score": 5.0,
        "scoreInPercentage": 50.0,
        "implementationStatus": "You have 5 of 10 users.",
        "count": "5",
    }
    averages: list[JsonValue] = [
        {"basis": basis, "averageScore": 47.5, "identityScore": 30} for basis in bases
    ]
    return score(day, averageComparativeScores=averages, controlScores=[earned])
