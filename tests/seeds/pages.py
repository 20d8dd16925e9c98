"""What the pages on updating a control share: their tenant, their person, and the control of their examples."""

from typing import cast

from stanchion.access.operator import add_tenant
from stanchion.model.json_text import JsonObject
from tests.conftest import OPERATOR, Api

# As printed: its last group has one digit more than a GUID's.
TENANT = "00000001-0001-0001-0001-000000000001c"
PERSON = "user1@contoso.com"
VENDOR: JsonObject = {
    "provider": "SecureScore",
    "providerVersion": None,
    "subProvider": None,
    "vendor": "Microsoft",
}

# The body that both examples of the page send.
REVIEWED: JsonObject = {
    "assignedTo": "",
    "comment": "control is reviewed",
    "state": "Reviewed",
    "vendorInformation": VENDOR,
}

# The control of the answer, before anyone decided about it.
NON_OWNER_ACCESS: JsonObject = {
    "id": "NonOwnerAccess",
    "azureTenantId": TENANT,
    "actionType": "Review",
    "actionUrl": "https://outlook.office365.com/NonOwnerAccessReport.aspx",
    "controlCategory": "Data",
    "title": "Review mailbox access by non-owners bi-weekly",
    "deprecated": False,
    "implementationCost": "Low",
    "lastModifiedDateTime": None,
    "maxScore": 5.0,
    "rank": 25,
    "remediation": (
        "Once you have opened the search tool, specify a date range and select access by "
        "<b>All non-owners</b> or <b>External users</b>"
    ),
    "remediationImpact": "This change will have no effect on your users",
    "service": "EXO",
    "threats": ["Account Breach", "Data Exfiltration", "Malicious Insider"],
    "tier": "Core",
    "userImpact": "Low",
    "complianceInformation": [
        {
            "certificationName": "FedRAMP_Moderate",
            "certificationControls": [{"name": "AC-6(9)", "url": ""}],
        }
    ],
    "controlStateUpdates": [],
    "vendorInformation": VENDOR,
}

# The one entry of controlStateUpdates in the answer, but for its time.
DECISION: JsonObject = {
    "assignedTo": "",
    "comment": "control is reviewed",
    "state": "Reviewed",
    "updatedBy": PERSON,
}


def without_time(entity: JsonObject) -> JsonObject:
    """Return a control without its context and the time of its decision, which differ each time."""
    (update,) = cast("list[JsonObject]", entity["controlStateUpdates"])
    cut: JsonObject = {name: value for name, value in update.items() if name != "updatedDateTime"}
    rest = {name: value for name, value in entity.items() if name != "@odata.context"}
    return {**rest, "controlStateUpdates": [cut]}


def prepare(api: Api) -> str:
    """Add the pages' tenant and its control; return a token of their person, who may write."""
    add_tenant(api.store, TENANT, name="Contoso", actor=OPERATOR)
    api.add(NON_OWNER_ACCESS, tenant=TENANT)
    return api.token(tenant=TENANT, upn=PERSON, roles=("Security Administrator",))
