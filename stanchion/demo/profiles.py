"""A control of the catalogue as a tenant's secureScoreControlProfile."""

from stanchion.demo.controls import Control
from stanchion.demo.graph import JsonObject, vendor_information


def control_profile(control: Control, *, tenant_id: str, state_updates: list[JsonObject]) -> JsonObject:
    """Write a secureScoreControlProfile, with every declared property."""
    return {
        "id": control.id,
        "azureTenantId": tenant_id,
        "actionType": control.action_type,
        "actionUrl": f"https://portal.example.com/security/controls/{control.id}",
        "controlCategory": control.category,
        "title": control.title,
        "deprecated": control.deprecated,
        "implementationCost": control.cost,
        "lastModifiedDateTime": None,
        "maxScore": float(control.max_score),
        "rank": control.rank,
        "remediation": control.remediation,
        "remediationImpact": control.impact,
        "service": control.service,
        "threats": list(control.threats),
        "tier": control.tier,
        "userImpact": control.user_impact,
        "vendorInformation": vendor_information("SecureScore"),
        "complianceInformation": [],
        "controlStateUpdates": state_updates,
    }
