"""The people of a story as userSecurityProfile objects."""

import datetime as dt
import random
import uuid

from stanchion.demo.graph import JsonObject, instant, vendor_information
from stanchion.demo.story import Account, Person, Story


def user_profiles(story: Story, today: dt.date) -> list[JsonObject]:
    """Write a userSecurityProfile for each person of the story, in its order."""
    return [_user_profile(person, story, today) for person in story.people]


def _user_profile(person: Person, story: Story, today: dt.date) -> JsonObject:
    principal = f"{person.sign_in}@{story.domain}"
    chance = random.Random(principal)
    last_seen = min(account.days_unseen for account in person.accounts)
    return {
        "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "accounts": [_account(account, person, principal, today) for account in person.accounts],
        "azureSubscriptionId": None,
        "azureTenantId": story.tenant_id,
        "createdDateTime": _before(today, days=chance.randint(400, 900), sign_in=person.sign_in),
        "displayName": person.display_name,
        "lastModifiedDateTime": _before(today, days=last_seen, sign_in=person.sign_in),
        "riskScore": person.risk_score,
        "tags": list(person.tags),
        "userPrincipalName": principal,
        "vendorInformation": vendor_information("IPC"),
    }


def _account(account: Account, person: Person, principal: str, today: dt.date) -> JsonObject:
    return {
        "displayName": person.display_name,
        "lastSeenDateTime": _before(today, days=account.days_unseen, sign_in=person.sign_in),
        "riskScore": account.risk_score,
        "service": account.service,
        "signinName": principal,
        "status": account.status,
    }


def _before(today: dt.date, *, days: int, sign_in: str) -> str:
    """Write a time of day that goes with the person, so many days before `today`."""
    clock = random.Random(sign_in)
    time = dt.time(clock.randint(6, 17), clock.randint(0, 59), clock.randint(0, 59), tzinfo=dt.UTC)
    return instant(dt.datetime.combine(today - dt.timedelta(days=days), time))
