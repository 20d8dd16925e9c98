"""The year of Brinewood Clinics, five practices with some 85 users and the basic licence.

- Day 15: registration for a second factor begins at the front desks; one user every other day follows, until all
  but five are in.
- Day 96: a contractor who moves mailboxes turns their audit off and lets forwarding out, and leaves it so: 11 points
  gone. On day 131 both are put back.
- Day 205: a business licence with better sign-in, mail filters and labels is added, so 13 more controls are measured
  and maxScore goes from 87 to 148. The new mail filters bring 17 points on day 211.
- Days 258 to 262: a week of triage. Five controls are decided on, one of them twice.
"""

from stanchion.demo.story import Account, Licence, Person, Ruling, Story, Turn

_DOMAIN = "brinewood.example"
_HELEN = f"helen.acheson@{_DOMAIN}"
_MSP = f"oncall@{_DOMAIN}"

_FIRST_SERVICES = ("HasAADFree", "HasEOP", "HasSPOP1")
_ADDED_SERVICES = ("HasAADP1", "HasMDOP1", "HasAIPP1")

_COURSES = {
    # Sign-in and directory.
    "AdminMFAV2": (Turn(0, 0.4), Turn(48, 1.0, 1)),
    "MFARegistrationV2": (Turn(0, 0.12), Turn(15, 0.94, 1)),
    "BlockLegacyAuthentication": (Turn(0, 0.0), Turn(231, 1.0)),
    "PWAgePolicyNew": (Turn(0, 1.0),),
    "SelfServicePasswordReset": (Turn(0, 0.0), Turn(219, 1.0)),
    "aad_custom_banned_passwords": (Turn(0, 0.0), Turn(222, 1.0)),
    "RoleOverlap": (Turn(0, 0.2), Turn(270, 0.6, 1)),
    "IntegratedApps": (Turn(0, 0.0), Turn(60, 1.0)),
    # Mail.
    "mdo_safeattachments": (Turn(0, 0.0), Turn(211, 1.0)),
    "mdo_safelinksforemail": (Turn(0, 0.0), Turn(211, 1.0)),
    "mdo_zapphish": (Turn(0, 1.0),),
    "mdo_commonattachmentsfilter": (Turn(0, 1.0),),
    "mdo_autoforwardingmode": (Turn(0, 1.0), Turn(96, 0.0), Turn(131, 1.0)),
    "exo_mailboxaudit": (Turn(0, 1.0), Turn(96, 0.0), Turn(131, 1.0)),
    "exo_SPF_records_for_all_domains": (Turn(0, 1.0),),
    # Apps, data, phones.
    "spo_legacy_auth": (Turn(0, 0.0), Turn(44, 1.0)),
    "meeting_restrictanonymousjoin_v1": (Turn(0, 0.9),),
    "dlp_datalossprevention": (Turn(0, 0.0), Turn(281, 1.0)),
    "mip_sensitivitylabelspolicies": (Turn(0, 0.0), Turn(240, 0.7, 2)),
    "mip_search_auditlog": (Turn(0, 0.0), Turn(137, 1.0)),
    "spo_link_expiry": (Turn(0, 0.0), Turn(152, 1.0)),
    "intune_mobile_device_lock_after_inactivity": (Turn(0, 0.0), Turn(247, 1.0)),
}

_RULINGS = (
    Ruling(
        258,
        "16:05:41.207316",
        control_id="dlp_datalossprevention",
        state="Default",
        updated_by=_HELEN,
        assigned_to=_MSP,
        comment="Patient numbers first, please.",
    ),
    Ruling(
        258,
        "16:22:08.951740",
        control_id="intune_mobile_device_encryption",
        state="ThirdParty",
        updated_by=_HELEN,
        comment="Practice phones are managed, and encrypted, by the hospital group.",
    ),
    Ruling(
        260,
        "07:48:55.066802",
        control_id="spo_idle_session_timeout",
        state="Ignored",
        updated_by=_MSP,
        comment="Reception screens must stay signed in during consultations.",
    ),
    Ruling(
        260,
        "08:01:19.540127",
        control_id="exo_outlookaddins",
        state="Ignored",
        updated_by=_MSP,
        comment="The booking add-in is installed by the users themselves.",
    ),
    Ruling(
        261,
        "12:37:02.318495",
        control_id="RoleOverlap",
        state="Reviewed",
        updated_by=_HELEN,
        comment="Each practice needs one deputy; the others can give roles back.",
    ),
    Ruling(
        262,
        "09:10:33.774961",
        control_id="exo_outlookaddins",
        state="Default",
        updated_by=_HELEN,
        assigned_to=_MSP,
        comment="Publish the booking add-in centrally, then close the store.",
    ),
)

_PEOPLE = (
    Person(
        "Helen Acheson",
        "helen.acheson",
        risk_score="Low",
        tags=("practice manager",),
        accounts=(Account("AzureAD", "Low", 1), Account("EXO", "None", 1)),
    ),
    Person(
        "Front Desk East",
        "desk.east",
        risk_score="Medium",
        tags=("shared account",),
        accounts=(Account("AzureAD", "Medium", 1),),
    ),
    Person(
        "Ruben Castellane",
        "ruben.castellane",
        risk_score="None",
        tags=("doctor",),
        accounts=(Account("AzureAD", "None", 2),),
    ),
    Person(
        "Move Contractor",
        "move.contractor",
        risk_score="High",
        tags=("guest",),
        accounts=(Account("EXO", "High", 233, "suspended"),),
    ),
)

BRINEWOOD = Story(
    tenant_id="b7e20f4c-3d18-4a95-92c6-0f8e61d4a53b",
    name="Brinewood Clinics",
    domain=_DOMAIN,
    seat_range=(1, 100),
    populations={"users": (81, 86), "administrators": (5, 5), "devices": (94, 97), "servers": (1, 1)},
    licences=(Licence(0, _FIRST_SERVICES), Licence(205, _FIRST_SERVICES + _ADDED_SERVICES)),
    courses=_COURSES,
    rulings=_RULINGS,
    people=_PEOPLE,
)
