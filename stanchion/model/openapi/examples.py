"""Examples for the description: an invented tenant, whose entities fit their types."""

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject

TENANT = "0f3c2a8e-5b1d-4c6f-9a27-1d84e6b0c935"
_PRODUCT: JsonObject = {
    "provider": "SecureScore",
    "providerVersion": None,
    "subProvider": None,
    "vendor": "Microsoft",
}
_SCORE: JsonObject = {
    "id": f"{TENANT}_2026-01-31",
    "activeUserCount": 118,
    "averageComparativeScores": [{"averageScore": 41.5, "basis": "AllTenants"}],
    "azureTenantId": TENANT,
    "controlScores": [
        {
            "controlCategory": "Identity",
            "controlName": "LobbyBadgeSignIn",
            "description": "<p>People at the front desk sign in with a badge and a code.</p>",
            "score": 4.0,
        },
        {
            "controlCategory": "Data",
            "controlName": "ArchiveRoomLabels",
            "description": "<p>Every box in the archive has a label.</p>",
            "score": 8.5,
        },
    ],
    "createdDateTime": "2026-01-31T00:00:00Z",
    "currentScore": 12.5,
    "enabledServices": ["HasExchange", "HasSharePoint"],
    "licensedUserCount": 124,
    "maxScore": 50.0,
    "vendorInformation": _PRODUCT,
}
_CONTROL: JsonObject = {
    "id": "LobbyBadgeSignIn",
    "actionType": "Config",
    "actionUrl": "https://portal.example.com/sign-in",
    "azureTenantId": TENANT,
    "complianceInformation": [
        {
            "certificationControls": [{"name": "A.5.17", "url": "https://standards.example.com/a-5-17"}],
            "certificationName": "Example standard",
        }
    ],
    "controlCategory": "Identity",
    "controlStateUpdates": [
        {
            "assignedTo": "ines@aldermill.example.com",
            "comment": "The turnstile checks the badge already.",
            "state": "ThirdParty",
            "updatedBy": "ines@aldermill.example.com",
            "updatedDateTime": "2026-02-02T08:15:00Z",
        }
    ],
    "deprecated": False,
    "implementationCost": "Low",
    "lastModifiedDateTime": "2026-01-12T00:00:00Z",
    "maxScore": 10.0,
    "rank": 3,
    "remediation": "<p>Give each desk a badge reader.</p>",
    "remediationImpact": "<p>People need their badge to sign in.</p>",
    "service": "AzureAD",
    "threats": ["accountBreach"],
    "tier": "Core",
    "title": "Sign in with a badge at the front desk",
    "userImpact": "Moderate",
    "vendorInformation": _PRODUCT,
}
_USER: JsonObject = {
    "id": "6f5d0a1c-2b94-4e1b-8f0e-9b3c77a2d541",
    "accounts": [
        {
            "displayName": "Ines Valkama",
            "lastSeenDateTime": "2026-01-30T16:40:00Z",
            "riskScore": "Low",
            "service": "AzureAD",
            "signinName": "ines@aldermill.example.com",
            "status": "active",
        }
    ],
    "azureSubscriptionId": None,
    "azureTenantId": TENANT,
    "createdDateTime": "2025-11-03T09:00:00Z",
    "displayName": "Ines Valkama",
    "lastModifiedDateTime": "2026-01-30T16:40:00Z",
    "riskScore": "Low",
    "tags": ["front desk"],
    "userPrincipalName": "ines@aldermill.example.com",
    "vendorInformation": {
        "provider": "Directory",
        "providerVersion": "2",
        "subProvider": None,
        "vendor": "Example",
    },
}

ENTITIES: dict[str, JsonObject] = {
    SECURE_SCORES.name: _SCORE,
    CONTROL_PROFILES.name: _CONTROL,
    USER_PROFILES.name: _USER,
}
KEYS = {name: str(entity["id"]) for name, entity in ENTITIES.items()}
FILTERS = {
    SECURE_SCORES.name: "createdDateTime ge 2026-01-01T00:00:00Z and currentScore lt 20",
    CONTROL_PROFILES.name: "controlCategory eq 'Identity' and maxScore ge 5",
    USER_PROFILES.name: "startswith(userPrincipalName,'ines')",
}
ORDERS = {
    SECURE_SCORES.name: "createdDateTime desc",
    CONTROL_PROFILES.name: "maxScore desc,id",
    USER_PROFILES.name: "displayName",
}
SELECTIONS = {
    SECURE_SCORES.name: "createdDateTime,currentScore,maxScore",
    CONTROL_PROFILES.name: "id,title,maxScore",
    USER_PROFILES.name: "id,displayName,riskScore",
}
PROPERTIES = {
    SECURE_SCORES.name: "currentScore",
    CONTROL_PROFILES.name: "title",
    USER_PROFILES.name: "displayName",
}
DECISION: JsonObject = {
    "state": "ThirdParty",
    "comment": "The turnstile checks the badge already.",
    "assignedTo": "ines@aldermill.example.com",
    "vendorInformation": {"vendor": "Microsoft", "provider": "SecureScore"},
}
CREATIONS: dict[str, JsonObject] = {
    SECURE_SCORES.name: {
        "createdDateTime": "2026-02-01T00:00:00Z",
        "currentScore": 13.0,
        "maxScore": 50.0,
        "vendorInformation": {"vendor": "Example", "provider": "Doorkeeper"},
    },
    CONTROL_PROFILES.name: {
        "id": "CourierDoorCamera",
        "title": "A camera sees the couriers' door",
        "controlCategory": "Infrastructure",
        "maxScore": 5.0,
        "vendorInformation": {"vendor": "Example", "provider": "Doorkeeper"},
    },
    USER_PROFILES.name: {"displayName": "Teo Lindqvist", "userPrincipalName": "teo@aldermill.example.com"},
}
CHANGES: dict[str, JsonObject] = {
    SECURE_SCORES.name: {"currentScore": 14.0},
    USER_PROFILES.name: {"riskScore": "Medium", "tags": ["front desk", "night shift"]},
}
NAMED_CHANGE: JsonObject = {
    "vendorInformation": {"vendor": "Microsoft", "provider": "SecureScore"},
    "activeUserCount": 119,
}
TOKEN: JsonObject = {
    "token_type": "Bearer",
    "expires_in": 3599,
    "ext_expires_in": 3599,
    "access_token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl",
}
RESOURCE_TOKEN: JsonObject = {
    **TOKEN,
    "expires_in": "3599",
    "ext_expires_in": "3599",
    "expires_on": "1770023699",
    "not_before": "1770020100",
    "resource": "https://graph.microsoft.com",
}
_CREDENTIALS: JsonObject = {
    "grant_type": "client_credentials",
    "client_id": "2f7d3c55-8f0b-4a7e-bb0e-0a0f6a1f7c11",
    "client_secret": "the secret that stanchion app add printed",
}
SCOPE_FORM: JsonObject = {**_CREDENTIALS, "scope": "https://graph.microsoft.com/.default"}
RESOURCE_FORM: JsonObject = {**_CREDENTIALS, "resource": "https://graph.microsoft.com"}


def page_example(entity_set: EntitySet, *, base: str) -> JsonObject:
    """Return a page of one entity."""
    context = f"{base}/$metadata#security/{entity_set.name}"
    return {"@odata.context": context, "value": [ENTITIES[entity_set.name]]}


def entity_example(entity_set: EntitySet, *, base: str) -> JsonObject:
    """Return one entity as it is answered."""
    context = f"{base}/$metadata#security/{entity_set.name}/$entity"
    return {"@odata.context": context, **ENTITIES[entity_set.name]}
