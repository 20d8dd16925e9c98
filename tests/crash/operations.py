"""What the writers ask for: each operation can be told from every other in the chain of changes.

A decision has a comment of its own, a change of a user a name of its own; a user is created and deleted once.
"""

import json
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["decide", "create", "update", "delete"]
CONTROLS_PATH = "/v1.0/security/secureScoreControlProfiles"
USERS_PATH = "/beta/security/userSecurityProfiles"
_VENDOR = {"provider": "SecureScore", "vendor": "Microsoft"}
_METHODS: dict[Kind, str] = {"decide": "PATCH", "create": "POST", "update": "PATCH", "delete": "DELETE"}


@dataclass(frozen=True)
class Written:
    """An operation on a control or a user; `mark` is the comment or name that it leaves, empty where it leaves none.

    With `if_match` it was asked for the entity as that version left it.
    """

    kind: Kind
    entity: str
    mark: str = ""
    if_match: int | None = None

    @property
    def method(self) -> str:
        """The method of its request."""
        return _METHODS[self.kind]

    @property
    def path(self) -> str:
        """The path of its request."""
        if self.kind == "decide":
            return f"{CONTROLS_PATH}/{self.entity}"
        return USERS_PATH if self.kind == "create" else f"{USERS_PATH}/{self.entity}"

    @property
    def body(self) -> bytes:
        """The body of its request."""
        match self.kind:
            case "decide":
                return json.dumps({"comment": self.mark, "vendorInformation": _VENDOR}).encode()
            case "create":
                return json.dumps({"id": self.entity, "displayName": self.entity}).encode()
            case "update":
                return json.dumps({"displayName": self.mark}).encode()
            case "delete":
                return b""

    @property
    def shows(self) -> str | None:
        """What its entity shows as long as nothing comes after it; None where it is gone."""
        if self.kind == "delete":
            return None
        return self.entity if self.kind == "create" else self.mark
