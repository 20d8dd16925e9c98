"""The year of Alder Quay Logistics, 1,200 users in harbour towns.

- Day 20: registration for a second factor begins; some three users a day follow, until the end of the year.
- Day 40, day 118: nobody reads who opened other people's mailboxes, and the 5 points of NonOwnerAccess lapse, at
  first for three weeks, then until the triage.
- Day 147: the licences are upgraded. Risk policies, mail sandbox, device sensor, app discovery and identity sensor
  come in: 22 more controls are measured, maxScore goes from 130 to 270 and currentScore up by some 32, so that the
  percentage falls.
- Day 212: to get a scanner working on a Friday, an administrator turns off the access policies against old
  protocols and risky sign-ins: 15 points gone. Nobody notices for four weeks; on day 240 they are back.
- Days 301 to 305: a week of triage. Eight controls are decided on, one of them twice and one three times; two go to
  a third party's product for 13 points on day 302, when NonOwnerAccess is read again, too.
"""

from stanchion.demo.story import Account, Licence, Person, Ruling, Story, Turn

_DOMAIN = "alderquay.example"
_NADIA = f"nadia.osei@{_DOMAIN}"
_TOMAS = f"tomas.brandt@{_DOMAIN}"
_IRIS = f"iris.vandermeer@{_DOMAIN}"

_FIRST_SERVICES = (
    "HasAADFree",
    "HasAADP1",
    "HasEOP",
    "HasEXOP2",
    "HasSPOP1",
    "HasSPOP2",
    "HasAIPP1",
    "HasCLB",
)
_ADDED_SERVICES = (
    "HasAADP2",
    "HasMDOP1",
    "HasMDOP2",
    "HasMDEP2",
    "HasAATP",
    "HasMCAS",
    "HasCASD",
    "HasAIPP2",
    "HasM365E5",
)

_COURSES = {
    # Sign-in.
    "AdminMFAV2": (Turn(0, 0.65), Turn(33, 0.85, 1), Turn(180, 1.0, 1)),
    "MFARegistrationV2": (Turn(0, 0.17), Turn(20, 0.97, 6)),
    "BlockLegacyAuthentication": (Turn(0, 0.0), Turn(75, 1.0), Turn(212, 0.0), Turn(240, 1.0)),
    "SigninRiskPolicy": (Turn(0, 0.0), Turn(168, 1.0), Turn(212, 0.0), Turn(240, 1.0)),
    "UserRiskPolicy": (Turn(0, 0.0), Turn(171, 0.25), Turn(185, 0.98)),
    "aad_phishing_MFA_strength": (Turn(0, 0.0), Turn(250, 0.6, 1)),
    "PWAgePolicyNew": (Turn(0, 0.0), Turn(262, 1.0)),
    "SelfServicePasswordReset": (Turn(0, 0.4), Turn(110, 0.9, 12)),
    "aad_custom_banned_passwords": (Turn(0, 0.0), Turn(52, 1.0)),
    # The directory.
    "OneAdmin": (Turn(0, 0.0), Turn(94, 1.0)),
    "RoleOverlap": (Turn(0, 0.3), Turn(94, 0.7, 1)),
    "NonOwnerAccess": (Turn(0, 1.0), Turn(40, 0.0), Turn(61, 1.0), Turn(118, 0.0), Turn(302, 1.0)),
    "IntegratedApps": (Turn(0, 0.0), Turn(316, 1.0)),
    "PasswordHashSync": (Turn(0, 1.0),),
    "AATP_DefenderForIdentityIsNotInstalled": (Turn(0, 0.0), Turn(176, 1.0, 1)),
    # Mail.
    "mdo_safeattachments": (Turn(0, 0.0), Turn(151, 0.2), Turn(173, 1.0)),
    "mdo_safelinksforemail": (Turn(0, 0.0),),
    "mdo_antiphishingpolicies": (Turn(0, 0.0), Turn(198, 0.94)),
    "mdo_zapphish": (Turn(0, 1.0),),
    "mdo_commonattachmentsfilter": (Turn(0, 0.0), Turn(29, 1.0)),
    "mdo_autoforwardingmode": (Turn(0, 0.0), Turn(276, 1.0)),
    "exo_mailboxaudit": (Turn(0, 1.0),),
    "exo_SPF_records_for_all_domains": (Turn(0, 0.0), Turn(66, 1.0)),
    # Apps.
    "spo_legacy_auth": (Turn(0, 1.0),),
    "spo_idle_session_timeout": (Turn(0, 0.0), Turn(135, 1.0)),
    "meeting_restrictanonymousjoin_v1": (Turn(0, 0.35), Turn(140, 0.98)),
    "McasOAuthAppNotification": (Turn(0, 0.0), Turn(233, 1.0)),
    "11770.MDA_Ledgerly_RequireMfa": (Turn(0, 0.0), Turn(255, 1.0)),
    # Data.
    "dlp_datalossprevention": (Turn(0, 0.0), Turn(312, 1.0)),
    "mip_sensitivitylabelspolicies": (Turn(0, 0.1), Turn(190, 0.8, 14)),
    "mip_autosensitivitylabelspolicies": (Turn(0, 0.0), Turn(320, 0.3, 9)),
    "mip_search_auditlog": (Turn(0, 1.0),),
    "spo_external_user_reshare": (Turn(0, 0.0), Turn(88, 1.0)),
    # Devices; they are counted from the upgrade on.
    "scid_2010": (Turn(0, 0.88), Turn(155, 0.99, 9)),
    "scid_2003": (Turn(0, 0.0), Turn(162, 0.95, 40)),
    "scid_2090": (Turn(0, 0.72), Turn(160, 0.9, 3)),
    "scid_2500": (Turn(0, 0.05), Turn(225, 0.8, 16)),
    "scid_2511": (Turn(0, 0.2), Turn(243, 0.75, 14)),
    "scid_2070": (Turn(0, 0.91),),
    "scid_3001": (Turn(0, 0.55), Turn(200, 0.85, 4)),
    "scid_6094": (Turn(0, 0.4), Turn(182, 0.92, 12), Turn(330, 0.78, 20), Turn(345, 0.93, 22)),
    "intune_mobile_device_encryption": (Turn(0, 0.0), Turn(104, 1.0)),
}


_RULINGS = (
    Ruling(
        61,
        "09:12:33.482913",
        control_id="NonOwnerAccess",
        state="Reviewed",
        updated_by=_NADIA,
        comment="Read with the mail team.",
    ),
    Ruling(
        301,
        "08:47:21.130221",
        control_id="AdminMFAV2",
        state="Default",
        updated_by=_NADIA,
        assigned_to=_TOMAS,
        comment="Two service accounts still hold a role. Move them to managed identities.",
    ),
    Ruling(
        301,
        "08:58:37.604117",
        control_id="SelfServicePasswordReset",
        state="Ignored",
        updated_by=_NADIA,
        comment="The service desk prefers to reset by telephone.",
    ),
    Ruling(
        301,
        "09:31:00.077340",
        control_id="scid_2090",
        state="Default",
        updated_by=_NADIA,
        assigned_to=_IRIS,
        comment="Is the rest encrypted by the disks themselves?",
    ),
    Ruling(
        302,
        "07:55:16.918256",
        control_id="NonOwnerAccess",
        state="Reviewed",
        updated_by=_IRIS,
        assigned_to=_IRIS,
        comment="Eleven pairs, all known. Next look in two weeks.",
    ),
    Ruling(
        302,
        "13:20:28.250768",
        control_id="mdo_safelinksforemail",
        state="ThirdParty",
        updated_by=_NADIA,
        comment="The mail gateway rewrites and checks links; contract runs for two more years.",
    ),
    Ruling(
        302,
        "13:26:33.741093",
        control_id="McasFirewallLogUpload",
        state="ThirdParty",
        updated_by=_NADIA,
        comment="Gateway logs go to our own log search, which alerts on new apps.",
    ),
    Ruling(
        303,
        "10:04:02.366182",
        control_id="scid_2090",
        state="ThirdParty",
        updated_by=_IRIS,
        assigned_to=_IRIS,
        comment="Yes: the handheld terminals in the yards have self-encrypting disks.",
    ),
    Ruling(
        303,
        "15:42:48.591408",
        control_id="CustomerLockBoxEnabled",
        state="Ignored",
        updated_by=_NADIA,
        comment="Nobody is on duty at night to approve; accepted by the head of IT until the rota exists.",
    ),
    Ruling(
        304,
        "09:15:59.020879",
        control_id="SelfServicePasswordReset",
        state="Reviewed",
        updated_by=_TOMAS,
        comment="Auditors object to resets by telephone.",
    ),
    Ruling(
        304,
        "11:03:10.833650",
        control_id="SelfServicePasswordReset",
        state="Default",
        updated_by=_NADIA,
        assigned_to=_TOMAS,
        comment="Withdrawn. We finish the rollout instead.",
    ),
    Ruling(
        305,
        "08:30:29.175529",
        control_id="IntegratedApps",
        state="Default",
        updated_by=_NADIA,
        assigned_to=_TOMAS,
        comment="Limit consent after the month-end close.",
    ),
)

_PEOPLE = (
    Person(
        "Tomas Brandt",
        "tomas.brandt",
        risk_score="Low",
        tags=("administrator",),
        accounts=(Account("AzureAD", "Low", 1), Account("EXO", "Low", 1), Account("AD", "Low", 1)),
    ),
    Person(
        "Marguerite Lindqvist",
        "marguerite.lindqvist",
        risk_score="High",
        tags=("finance", "leaked password"),
        accounts=(Account("AzureAD", "High", 1), Account("Ledgerly", "Medium", 3)),
    ),
    Person(
        "Obinna Farrow",
        "obinna.farrow",
        risk_score="Medium",
        tags=("unusual travel",),
        accounts=(Account("AzureAD", "Medium", 1), Account("SPO", "Low", 2)),
    ),
    Person(
        "Yard Scanner 7",
        "scanner-07",
        risk_score="Medium",
        tags=("old protocol",),
        accounts=(Account("EXO", "Medium", 126, "suspended"),),
    ),
    Person(
        "Petra Hollis",
        "petra.hollis",
        risk_score="None",
        tags=("leaver",),
        accounts=(Account("AzureAD", "None", 58, "deleted"),),
    ),
    Person(
        "Junia Abara",
        "junia.abara",
        risk_score="None",
        tags=("starter",),
        accounts=(Account("AzureAD", "None", 4, "staged"),),
    ),
)

ALDER_QUAY = Story(
    tenant_id="5a1d3c07-9e42-4b86-8f21-c40b7d92e6a1",
    name="Alder Quay Logistics",
    domain=_DOMAIN,
    seat_range=(1001, 5000),
    populations={
        "users": (1184, 1252),
        "administrators": (17, 13),
        "devices": (1310, 1421),
        "servers": (6, 6),
    },
    licences=(Licence(0, _FIRST_SERVICES), Licence(147, _FIRST_SERVICES + _ADDED_SERVICES)),
    courses=_COURSES,
    rulings=_RULINGS,
    people=_PEOPLE,
)
