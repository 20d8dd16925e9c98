"""The clouds of Microsoft Entra, by name: who signs their tokens, and where their keys are.

- A token of version 2.0 has `iss` `https://{login host}/{tid}/v2.0`, one of version 1.0 `https://{sts}/{tid}/`.
- All tenants of a cloud are signed for by one set of keys, whose address is fixed here and depends on no token.
- Tokens that are made for Graph itself can be validated by Graph alone, so Graph's audiences are nobody's here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

TokenVersion: TypeAlias = Literal["1.0", "2.0"]

# As Entra writes it into the issuer of its keys and of its discovery documents.
TENANT_PLACE = "{tenantid}"


@dataclass(frozen=True)
class Cloud:
    """One cloud; of its login hosts the first serves the keys."""

    name: str
    login_hosts: tuple[str, ...]
    sts_host: str

    @property
    def keys_url(self) -> str:
        """Where the keys of all its tenants are."""
        return f"https://{self.login_hosts[0]}/common/discovery/v2.0/keys"

    def issuers(self, tenant_id: str) -> Mapping[str, TokenVersion]:
        """Return each `iss` of a tenant and the version of the tokens that have it."""
        issuers: dict[str, TokenVersion] = {f"https://{self.sts_host}/{tenant_id}/": "1.0"}
        return issuers | {f"https://{host}/{tenant_id}/v2.0": "2.0" for host in self.login_hosts}


CLOUDS: Mapping[str, Cloud] = MappingProxyType(
    {
        cloud.name: cloud
        for cloud in (
            Cloud("global", ("login.microsoftonline.com",), "sts.windows.net"),
            Cloud("usgov", ("login.microsoftonline.us",), "sts.windows.net"),
            Cloud(
                "china",
                ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
                "sts.chinacloudapi.cn",
            ),
        )
    }
)

_ENTRA_HOSTS = frozenset({host for cloud in CLOUDS.values() for host in (*cloud.login_hosts, cloud.sts_host)})
_OLDER_ENTRA_HOSTS = frozenset({"login.windows.net", "login.microsoft.com", "login.usgovcloudapi.net"})

_GRAPH_AUDIENCES = frozenset(
    {
        "00000003-0000-0000-c000-000000000000",
        "canary.graph.microsoft.com",
        "dod-graph.microsoft.us",
        "graph.microsoft.com",
        "graph.microsoft.de",
        "graph.microsoft.us",
        "graph.svc.sovcloud.de",
        "graph.svc.sovcloud.fr",
        "graph.svc.sovcloud.sg",
        "microsoftgraph.chinacloudapi.cn",
        # Graph's predecessor, whose tokens have the same flaw for everybody else.
        "00000002-0000-0000-c000-000000000000",
        "graph.windows.net",
        "graph.chinacloudapi.cn",
    }
)


def is_entra_host(host: str) -> bool:
    """Say whether Entra answers there: its tokens follow rules that other issuers have not."""
    return host in _ENTRA_HOSTS or host in _OLDER_ENTRA_HOSTS


def is_graph_audience(audience: str) -> bool:
    """Say whether an audience is Graph's own, in whatever spelling Entra accepts."""
    text = audience.strip().lower().removeprefix("spn:")
    name = text.removesuffix(".default").rstrip("/").removeprefix("https://").removeprefix("http://")
    return name.partition("/")[0].removesuffix(":443") in _GRAPH_AUDIENCES
