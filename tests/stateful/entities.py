"""Entities of tenants as they are stored, each with the tenant's canary in it: words for nobody else."""

from typing import Any

from tests.stateful.model import CONTROLS, MICROSOFT, PROWLER, SCORES, UNTOUCHED, USERS, Owner, Value

# Declared by the API; absent ones are null, or empty where they are collections.
_DECLARED: dict[str, list[str]] = {
    CONTROLS: [
        "actionType",
        "actionUrl",
        "complianceInformation[]",
        "controlCategory",
        "deprecated",
        "implementationCost",
        "lastModifiedDateTime",
        "maxScore",
        "rank",
        "remediation",
        "remediationImpact",
        "service",
        "threats[]",
        "tier",
        "title",
        "userImpact",
        "vendorInformation",
    ],
    SCORES: [
        "activeUserCount",
        "averageComparativeScores[]",
        "controlScores[]",
        "createdDateTime",
        "currentScore",
        "enabledServices[]",
        "licensedUserCount",
        "maxScore",
        "vendorInformation",
    ],
    USERS: [
        "accounts[]",
        "azureSubscriptionId",
        "createdDateTime",
        "displayName",
        "lastModifiedDateTime",
        "riskScore",
        "tags[]",
        "userPrincipalName",
        "vendorInformation",
    ],
}
OWNERS: dict[str, Owner] = {"microsoft": MICROSOFT, "prowler": PROWLER, "PROWLER": ("Prowler", "PROWLER")}
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")
RISKS = ("low", "high")
COMMENTS = ("accepted by the board", "elsewhere \u00e9\u4e16\U0001f600", 'a "quoted" \\ word')


class Words:
    """The words of one tenant: `mark` stands in ids, `secret` in all that its entities say."""

    def __init__(self, tenant: str, *, mark: str, secret: str) -> None:
        self.tenant = tenant
        self.mark = mark
        self.secret = secret

    def id(self, name: str, number: int) -> str:
        """Return an id: half of them are this tenant's own, half are the same in every tenant."""
        short = {CONTROLS: "control", SCORES: "score", USERS: "user"}[name]
        return f"{short}-{number}-{self.mark}" if number % 2 else f"{short}-{number}"

    def entity(self, name: str, number: int, *, owner: str, variant: int) -> Value:
        """Return an entity as it is stored, with its declared properties; `variant` tells its contents apart."""
        said = {CONTROLS: self._control, SCORES: self._score, USERS: self._user}[name](number, variant)
        vendor, provider = OWNERS[owner]
        information = {"vendor": vendor, "provider": provider, "providerVersion": None, "subProvider": None}
        common: Value = {
            "id": self.id(name, number),
            "azureTenantId": self.tenant,
            "vendorInformation": None if name == USERS and variant else information,
        }
        return {**_absent(name), **common, **said}

    def _control(self, number: int, variant: int) -> Value:
        return {
            "title": f"Control {number} of {self.secret}",
            "maxScore": [5, 7.5, 0][variant],
            "remediation": f"<p>{self.secret}</p>",
            "rank": number,
            "threats": [self.secret],
            "controlStateUpdates": [dict(UNTOUCHED)],
        }

    def _score(self, number: int, variant: int) -> Value:
        return {
            "createdDateTime": f"{DAYS[number % len(DAYS)]}T00:00:00Z",
            "currentScore": [10, 12.5, 30][variant],
            "maxScore": 50,
            "enabledServices": [self.secret],
            "controlScores": [{"controlName": self.id(CONTROLS, number), "score": 1.5, "own": self.secret}],
        }

    def _user(self, number: int, variant: int) -> Value:
        return {
            "displayName": f"User {number} of {self.secret}",
            "riskScore": RISKS[variant % len(RISKS)],
            "userPrincipalName": f"user{number}@{self.mark}.example",
            "tags": [self.secret] * variant,
        }


def _absent(name: str) -> dict[str, Any]:
    return {prop.removesuffix("[]"): [] if prop.endswith("[]") else None for prop in _DECLARED[name]}
