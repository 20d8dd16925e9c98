"""The entity types of the security-posture API, each declared once; all else about them is derived.

Names, types, nullability and openness follow Microsoft Graph's CSDL (v1.0 and beta are the same for these
types; `userSecurityProfile` and its parts exist in beta only). Python names are snake_case; the wire name is
the same in camelCase, but for `signinName`. `indexed` makes a property a column of its table: for bounded
values that people filter and sort by.
"""

from enum import IntEnum
from typing import Annotated, TypeAlias

import msgspec

DateTimeOffset: TypeAlias = Annotated[str, msgspec.Meta(extra={"edm": "Edm.DateTimeOffset"})]
"""Kept in the spelling it came with; `stanchion.model.instant` reads it."""

Int32: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]


def about(text: str, *, indexed: bool = False) -> msgspec.Meta:
    """Describe a property in one sentence; `indexed` makes it a column."""
    return msgspec.Meta(description=text, extra={"indexed": indexed})


class Complex(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """A structured value without identity (OData ComplexType)."""


class OpenComplex(Complex, frozen=True, kw_only=True):
    """A complex value that may carry properties beyond the declared ones."""


class Entity(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """A stored thing with an id (OData EntityType); open to further properties, as Graph's are."""

    id: Annotated[str, about("Unique within its set and tenant.")]


class AccountStatus(IntEnum):
    """Whether an account can be used. Members are named as on the wire."""

    unknown = 0
    staged = 1
    active = 2
    suspended = 3
    deleted = 4
    unknownFutureValue = 127


class SecurityVendorInformation(Complex, frozen=True, kw_only=True):
    """Which product the data came from."""

    provider: Annotated[str | None, about("Product, such as SecureScore.", indexed=True)] = None
    provider_version: Annotated[str | None, about("Version of the product.")] = None
    sub_provider: Annotated[str | None, about("Part of the product.")] = None
    vendor: Annotated[str | None, about("Maker of the product, such as Microsoft.", indexed=True)] = None


class AverageComparativeScore(OpenComplex, frozen=True, kw_only=True):
    """What comparable tenants score on average."""

    average_score: Annotated[float | None, about("Average over the tenants of the basis.")] = None
    basis: Annotated[str | None, about("Which tenants: AllTenants, TotalSeats or IndustryTypes.")] = None


class ControlScore(OpenComplex, frozen=True, kw_only=True):
    """Points earned on one control."""

    control_category: Annotated[str | None, about("Identity, Data, Device, Apps or Infrastructure.")] = None
    control_name: Annotated[str | None, about("Id of the control's profile.")] = None
    description: Annotated[str | None, about("What the control asks, as HTML.")] = None
    score: Annotated[float | None, about("Points earned.")] = None


class CertificationControl(OpenComplex, frozen=True, kw_only=True):
    """A control of a certification that a secure score control answers."""

    name: Annotated[str | None, about("Its number in the certification.")] = None
    url: Annotated[str | None, about("Where it is described.")] = None


class ComplianceInformation(OpenComplex, frozen=True, kw_only=True):
    """A certification and those of its controls that a secure score control answers."""

    certification_controls: Annotated[list[CertificationControl], about("The controls answered.")] = []
    certification_name: Annotated[str | None, about("Name of the certification.")] = None


class SecureScoreControlStateUpdate(Complex, frozen=True, kw_only=True):
    """One decision about a control, such as accepting its risk."""

    assigned_to: Annotated[str | None, about("Analyst who has the control in hand.")] = None
    comment: Annotated[str | None, about("The analyst's reason.")] = None
    state: Annotated[str | None, about("Default, Ignored, ThirdParty or Reviewed.")] = None
    updated_by: Annotated[str | None, about("Who decided.")] = None
    updated_date_time: Annotated[DateTimeOffset | None, about("When it was decided.")] = None


class UserAccount(Complex, frozen=True, kw_only=True):
    """An account of a user in one service."""

    display_name: Annotated[str | None, about("Name shown for the account.")] = None
    last_seen_date_time: Annotated[DateTimeOffset | None, about("When the account was last seen.")] = None
    risk_score: Annotated[str | None, about("Risk of the account, as its provider scores it.")] = None
    service: Annotated[str | None, about("Service the account belongs to.")] = None
    signin_name: Annotated[str | None, about("Name the user signs in with.")] = None
    status: Annotated[AccountStatus | None, about("Whether the account can be used.")] = None


class SecureScore(Entity, frozen=True, kw_only=True):
    """A tenant's score on one day: what it earned, control by control, of what it could."""

    active_user_count: Annotated[Int32 | None, about("Users active that day.", indexed=True)] = None
    average_comparative_scores: Annotated[
        list[AverageComparativeScore], about("Averages of comparable tenants.")
    ] = []
    azure_tenant_id: Annotated[str, about("Tenant that was scored.")]
    control_scores: Annotated[list[ControlScore], about("Points of each control.")] = []
    created_date_time: Annotated[
        DateTimeOffset | None, about("Day of the score, at midnight UTC.", indexed=True)
    ] = None
    current_score: Annotated[float | None, about("Points earned.", indexed=True)] = None
    enabled_services: Annotated[list[str], about("Services that were scored.")] = []
    licensed_user_count: Annotated[Int32 | None, about("Users with a licence.", indexed=True)] = None
    max_score: Annotated[float | None, about("Points attainable.", indexed=True)] = None
    vendor_information: Annotated[SecurityVendorInformation | None, about("Product that took the score.")] = (
        None
    )


class SecureScoreControlProfile(Entity, frozen=True, kw_only=True):
    """A control: what it asks, what it is worth, and what was decided about it."""

    action_type: Annotated[str | None, about("Config, Review or Behavior.", indexed=True)] = None
    action_url: Annotated[str | None, about("Page on which to carry out the action.")] = None
    azure_tenant_id: Annotated[str, about("Tenant that the control belongs to.")]
    compliance_information: Annotated[
        list[ComplianceInformation], about("Certifications that the control answers.")
    ] = []
    control_category: Annotated[
        str | None, about("Identity, Data, Device, Apps or Infrastructure.", indexed=True)
    ] = None
    control_state_updates: Annotated[
        list[SecureScoreControlStateUpdate], about("The present decision about the control: one entry.")
    ] = []
    deprecated: Annotated[bool | None, about("Whether the control is no longer scored.", indexed=True)] = None
    implementation_cost: Annotated[str | None, about("Effort: Low, Moderate or High.", indexed=True)] = None
    last_modified_date_time: Annotated[
        DateTimeOffset | None, about("When the provider last changed the control.", indexed=True)
    ] = None
    max_score: Annotated[float | None, about("Points attainable.", indexed=True)] = None
    rank: Annotated[Int32 | None, about("Order of advised action, 1 first.", indexed=True)] = None
    remediation: Annotated[str | None, about("What to do, as HTML.")] = None
    remediation_impact: Annotated[str | None, about("What users will notice, as HTML.")] = None
    service: Annotated[str | None, about("Service that the control protects.", indexed=True)] = None
    threats: Annotated[list[str], about("Threats that the control mitigates.")] = []
    tier: Annotated[str | None, about("Core, Defense in Depth or Advanced.", indexed=True)] = None
    title: Annotated[str | None, about("Short name for people.", indexed=True)] = None
    user_impact: Annotated[str | None, about("Effect on users: Low, Moderate or High.", indexed=True)] = None
    vendor_information: Annotated[
        SecurityVendorInformation | None, about("Product that defines the control.")
    ] = None


class UserSecurityProfile(Entity, frozen=True, kw_only=True):
    """A user as security products see them: accounts, risk and tags."""

    accounts: Annotated[list[UserAccount], about("The user's accounts, one for each service.")] = []
    azure_subscription_id: Annotated[str | None, about("Subscription the user was seen in.")] = None
    azure_tenant_id: Annotated[str, about("Tenant that the user belongs to.")]
    created_date_time: Annotated[DateTimeOffset | None, about("When the profile was made.", indexed=True)] = (
        None
    )
    display_name: Annotated[str | None, about("Name shown for the user.", indexed=True)] = None
    last_modified_date_time: Annotated[
        DateTimeOffset | None, about("When the profile last changed.", indexed=True)
    ] = None
    risk_score: Annotated[str | None, about("Risk of the user, as its provider scores it.", indexed=True)] = (
        None
    )
    tags: Annotated[list[str], about("Words that analysts put on the user.")] = []
    user_principal_name: Annotated[str | None, about("Name the user signs in with.", indexed=True)] = None
    vendor_information: Annotated[
        SecurityVendorInformation | None, about("Product that made the profile.")
    ] = None


class Decision(Entity, frozen=True, kw_only=True):
    """One entry in the history of a control: what was decided, by whom, when and why."""

    approver: Annotated[str | None, about("Who approved the decision.")] = None
    assigned_to: Annotated[str | None, about("Analyst who has the control in hand.")] = None
    comment: Annotated[str | None, about("The analyst's reason.")] = None
    control_id: Annotated[str, about("The control decided about.", indexed=True)]
    expires_date_time: Annotated[DateTimeOffset | None, about("When the decision lapses.", indexed=True)] = (
        None
    )
    provider: Annotated[str | None, about("Product whose control it is, such as SecureScore.")] = None
    status: Annotated[
        str,
        about("toAddress, planned, riskAccepted, thirdParty, alternateMitigation, reviewed or completed."),
    ]
    updated_by: Annotated[str | None, about("Who decided.")] = None
    updated_date_time: Annotated[DateTimeOffset | None, about("When it was decided.", indexed=True)] = None
    vendor: Annotated[str | None, about("Maker of the product, such as Microsoft.")] = None
