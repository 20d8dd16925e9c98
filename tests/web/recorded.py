"""Requests as programs send them that cannot run here, and what each of them reads of the answer.

Written down from their sources and from recorded traffic. A place in an answer is a path of names; `*` is every
member of a collection, of which there is at least one.
"""

from dataclasses import dataclass, field
from types import MappingProxyType, UnionType
from typing import TypeAlias

from stanchion.model.json_text import JsonObject

Kind: TypeAlias = type | UnionType
NUMBER = int | float
TEXT_OR_NULL = str | None


@dataclass(frozen=True)
class Recorded:
    """A request, the statuses that its sender takes for success, and what it reads."""

    name: str
    target: str
    reads: MappingProxyType[str, Kind] = field(default_factory=lambda: MappingProxyType({}))
    method: str = "GET"
    headers: MappingProxyType[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: JsonObject | None = None
    statuses: tuple[int, ...] = (200,)


def _reads(places: dict[str, Kind]) -> MappingProxyType[str, Kind]:
    return MappingProxyType(places)


def _of(mapping: dict[str, str]) -> MappingProxyType[str, str]:
    return MappingProxyType(mapping)


def powershell(cmdlet: str, *, content_type: str | None = None) -> MappingProxyType[str, str]:
    """Return the headers of a cmdlet of Microsoft.Graph."""
    return _of(
        {
            **({"Content-Type": content_type} if content_type else {}),
            "User-Agent": f"Mozilla/5.0 (Linux; Ubuntu 24.04; en-US) PowerShell/7.4.6 {cmdlet}",
            "SdkVersion": "graph-powershell/2.25.0, Graph-dotnet-1.25.1",
            "Accept-Encoding": "gzip",
            "client-request-id": "7d1b6bbd-5ac7-4d2e-9a52-5f8b6bd0f0a1",
            "Cache-Control": "no-store, no-cache",
            "FeatureFlag": "00000043",
        }
    )


CIPP = _of(
    {
        "User-Agent": "CIPP/8.1",
        "Accept-Encoding": "gzip, deflate, br",
        "Content-Type": "application/json; charset=utf-8",
        "x-ms-throttle-priority": "Low",
    }
)
POWER_QUERY = _of(
    {
        "User-Agent": "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)",
        "MaxDataServiceVersion": "3.0",
        "OData-MaxVersion": "4.0",
        "Accept": "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,"
        "application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7",
    }
)
MICROSOFT: JsonObject = {"vendor": "Microsoft", "provider": "SecureScore"}
SCORE_ID = "aaaaaaaa-0000-4000-8000-000000000001_2026-01-03"

_SCORE_LIST = _reads(
    {
        "@odata.context": str,
        "value/*/id": str,
        "value/*/createdDateTime": str,
        "value/*/currentScore": NUMBER,
        "value/*/maxScore": NUMBER,
        "value/*/controlScores/*/controlName": str,
        "value/*/controlScores/*/score": NUMBER,
    }
)
# The first of them is taken for all tenants, the second for those of like size, by place.
_COMPARED = _reads(
    {
        **_SCORE_LIST,
        "value/*/averageComparativeScores/0/averageScore": NUMBER,
        "value/*/averageComparativeScores/1/averageScore": NUMBER,
        "value/*/controlScores/*/scoreInPercentage": NUMBER,
        "value/*/controlScores/*/implementationStatus": str,
    }
)
_CONTROL_LIST = _reads(
    {
        "value/*/id": str,
        "value/*/title": TEXT_OR_NULL,
        "value/*/maxScore": NUMBER,
        "value/*/controlCategory": str,
        "value/*/service": str,
        "value/*/actionType": str,
        "value/*/deprecated": bool | None,
        "value/*/threats": list,
        "value/*/complianceInformation": list,
        "value/*/vendorInformation/provider": str,
        "value/*/controlStateUpdates/*/state": str,
        "value/*/controlStateUpdates/*/updatedDateTime": TEXT_OR_NULL,
    }
)
_COUNTED = _reads({"@odata.count": int})

GRAPH_POWERSHELL = (
    Recorded(
        "Get-MgSecuritySecureScore -All",
        "/v1.0/security/secureScores?$top=100",
        _SCORE_LIST,
        headers=powershell("Get-MgSecuritySecureScore_List"),
    ),
    Recorded(
        "Get-MgSecuritySecureScore -Top 2",
        "/v1.0/security/secureScores?$top=2",
        _reads({**_SCORE_LIST, "@odata.nextLink": str}),
        headers=powershell("Get-MgSecuritySecureScore_List"),
    ),
    Recorded(
        "Get-MgSecuritySecureScore -PageSize 999",
        "/v1.0/security/secureScores?$top=999",
        _SCORE_LIST,
        headers=powershell("Get-MgSecuritySecureScore_List"),
    ),
    Recorded(
        "Get-MgSecuritySecureScore -Filter -Sort -Property",
        "/v1.0/security/secureScores?%24filter=createdDateTime+ge+2026-01-02T00%3a00%3a00Z"
        "&%24orderby=currentScore+desc&%24select=id%2ccurrentScore",
        _reads({"value/*/id": str, "value/*/currentScore": NUMBER}),
        headers=powershell("Get-MgSecuritySecureScore_List"),
    ),
    Recorded(
        "Get-MgSecuritySecureScore -SecureScoreId",
        f"/v1.0/security/secureScores/{SCORE_ID}",
        _reads({"id": str, "currentScore": NUMBER, "controlScores/*/implementationStatus": str}),
        headers=powershell("Get-MgSecuritySecureScore_Get"),
    ),
    Recorded(
        "Get-MgSecuritySecureScoreControlProfile -All",
        "/v1.0/security/secureScoreControlProfiles?$top=100",
        _CONTROL_LIST,
        headers=powershell("Get-MgSecuritySecureScoreControlProfile_List"),
    ),
    Recorded(
        "Update-MgSecuritySecureScoreControlProfile -BodyParameter",
        "/v1.0/security/secureScoreControlProfiles/AdminMFAV2",
        method="PATCH",
        headers=_of(
            {
                **powershell("Update-MgSecuritySecureScoreControlProfile_Update"),
                "Content-Type": "application/json",
            }
        ),
        body={
            "assignedTo": "",
            "comment": "by a script",
            "state": "Reviewed",
            "vendorInformation": MICROSOFT,
        },
        statuses=(200, 204),
    ),
    Recorded(
        "Update-MgBetaSecuritySecureScoreControlProfile -AdditionalProperties",
        "/beta/security/secureScoreControlProfiles/AdminMFAV2",
        method="PATCH",
        headers=_of(
            {
                **powershell("Update-MgBetaSecuritySecureScoreControlProfile_Update"),
                "Content-Type": "application/json",
            }
        ),
        body={"tenantNote": "by a script", "controlStateUpdates": "thirdParty"},
        statuses=(200, 204),
    ),
)
CIPP_REQUESTS = (
    Recorded(
        "CIPP, the dashboard's scores",
        "/beta/security/secureScores?$count=true&$top=7",
        _reads({**_COMPARED, **_COUNTED}),
        headers=CIPP,
    ),
    Recorded(
        "CIPP, the dashboard's controls",
        "/beta/security/secureScoreControlProfiles?$count=true&$top=999",
        _reads({**_CONTROL_LIST, **_COUNTED}),
        headers=CIPP,
    ),
    Recorded("CIPP, the cache's scores", "/beta/security/secureScores?$top=14", _COMPARED, headers=CIPP),
    Recorded(
        "CIPP, the cache's controls", "/beta/security/secureScoreControlProfiles", _CONTROL_LIST, headers=CIPP
    ),
    *(
        Recorded(
            f"CIPP, a decision of the dashboard: {state}",
            "/beta/security/secureScoreControlProfiles/AdminMFAV2",
            method="PATCH",
            headers=CIPP,
            body={
                "comment": "accepted by the customer",
                "state": state,
                "vendorInformation": {"providerVersion": None, "subProvider": None, **MICROSOFT},
            },
            statuses=(200, 204),
        )
        for state in ("ThirdParty", "Ignored", "Default")
    ),
    *(
        Recorded(
            f"CIPP, a decision of the standard: {state}",
            "/beta/security/secureScoreControlProfiles/AdminMFAV2",
            method="PATCH",
            headers=CIPP,
            body={"comment": "by a standard", "state": state, "vendorInformation": MICROSOFT},
            statuses=(200, 204),
        )
        for state in ("default", "ignored", "thirdParty", "reviewed")
    ),
)
ASSESSMENTS = (
    Recorded(
        "ZeroTrustAssessment, controls of a service by their ids",
        "/beta/security/secureScoreControlProfiles?$filter=service eq 'MDATP' and "
        "(id eq 'scid_2016' or id eq 'scid_5094' or id eq 'scid_6094')",
        _reads(
            {
                "value/*/id": str,
                "value/*/title": TEXT_OR_NULL,
                "value/*/controlStateUpdates/*/state": str,
                "value/*/controlStateUpdates/*/updatedDateTime": TEXT_OR_NULL,
            }
        ),
        headers=powershell("Invoke-MgGraphRequest"),
    ),
    Recorded(
        "ZeroTrustAssessment, the newest score",
        "/beta/security/secureScores?$top=1",
        _SCORE_LIST,
        headers=powershell("Invoke-MgGraphRequest"),
    ),
    Recorded(
        "M365-Assess, the history",
        "/v1.0/security/secureScores?$top=100&$orderby=createdDateTime desc",
        _COMPARED,
        headers=powershell("Get-MgSecuritySecureScore_List"),
    ),
    Recorded("a script that asks for ninety scores", "/v1.0/security/secureScores?$top=90", _SCORE_LIST),
    Recorded(
        "M365-Assess, the controls",
        "/v1.0/security/secureScoreControlProfiles?$top=250",
        _CONTROL_LIST,
        headers=powershell("Invoke-MgGraphRequest"),
    ),
    Recorded(
        "a script of the first years, in small letters", "/beta/security/securescores?$top=1", _SCORE_LIST
    ),
    Recorded(
        "a script that selects three properties, one of them encoded",
        "/v1.0/Security/secureScores?$select=createdDateTime%2caverageComparativeScores%2ccontrolScores",
        _reads({"value/*/createdDateTime": str, "value/*/averageComparativeScores/*/basis": str}),
    ),
    Recorded(
        "a script that selects a name which is not declared",
        "/v1.0/security/secureScoreControlProfiles?$select=id,controlName,title",
        _reads({"value/*/id": str, "value/*/title": TEXT_OR_NULL}),
    ),
    Recorded(
        "a script that asks for the newest score by order",
        "/v1.0/security/secureScores?$top=1&$select=currentScore,maxScore,azureTenantId,createdDateTime"
        "&$orderby=createdDateTime desc",
        _reads({"value/0/currentScore": NUMBER, "value/0/azureTenantId": str}),
    ),
    Recorded("Graph Explorer, scores", "/beta/security/secureScores?$top=5", _SCORE_LIST),
    Recorded("Graph Explorer, controls", "/beta/security/secureScoreControlProfiles?$top=5", _CONTROL_LIST),
)
POWER_QUERY_REQUESTS = (
    Recorded(
        "Power Query, the service",
        "/v1.0/",
        _reads({"@odata.context": str, "value/*/name": str, "value/*/kind": str, "value/*/url": str}),
        headers=POWER_QUERY,
    ),
    Recorded(
        "Power Query, a feed of scores", "/v1.0/security/secureScores", _SCORE_LIST, headers=POWER_QUERY
    ),
    Recorded(
        "Power Query, a feed of users",
        "/beta/security/userSecurityProfiles",
        _reads({"value/*/id": str, "value/*/tags": list, "value/*/accounts": list}),
        headers=POWER_QUERY,
    ),
    Recorded(
        "Power Query, some rows and columns of a feed",
        "/v1.0/security/secureScoreControlProfiles?$filter=maxScore gt 1 and contains(title, 'MFA')"
        "&$select=id,title,maxScore&$orderby=maxScore desc&$top=1000",
        _reads({"value/*/id": str, "value/*/maxScore": NUMBER}),
        headers=POWER_QUERY,
    ),
)
RECORDED = (*GRAPH_POWERSHELL, *CIPP_REQUESTS, *ASSESSMENTS, *POWER_QUERY_REQUESTS)
