"""The clouds of Entra: their issuers, their keys, and the audiences of Graph in them."""

import pytest

from stanchion.access.clouds import CLOUDS, is_entra_host, is_graph_audience
from tests.access.workbench import TENANT


@pytest.mark.parametrize(
    ("cloud", "v1", "v2", "keys_url"),
    [
        (
            "global",
            "https://sts.windows.net/",
            ["https://login.microsoftonline.com/"],
            "https://login.microsoftonline.com/common/discovery/v2.0/keys",
        ),
        (
            "usgov",
            "https://sts.windows.net/",
            ["https://login.microsoftonline.us/"],
            "https://login.microsoftonline.us/common/discovery/v2.0/keys",
        ),
        (
            "china",
            "https://sts.chinacloudapi.cn/",
            ["https://login.partner.microsoftonline.cn/", "https://login.chinacloudapi.cn/"],
            "https://login.partner.microsoftonline.cn/common/discovery/v2.0/keys",
        ),
    ],
)
def test_a_cloud_knows_its_issuers_and_its_keys(cloud: str, v1: str, v2: list[str], keys_url: str) -> None:
    expected = {f"{v1}{TENANT}/": "1.0"} | {f"{host}{TENANT}/v2.0": "2.0" for host in v2}
    assert dict(CLOUDS[cloud].issuers(TENANT)) == expected
    assert CLOUDS[cloud].keys_url == keys_url


@pytest.mark.parametrize(
    "audience",
    [
        "00000003-0000-0000-c000-000000000000",
        "00000003-0000-0000-C000-000000000000",
        "spn:00000003-0000-0000-c000-000000000000",
        "https://graph.microsoft.com",
        "https://graph.microsoft.com/",
        "https://graph.microsoft.com//",
        "https://graph.microsoft.com/.default",
        "https://graph.microsoft.com:443",
        "https://graph.microsoft.com/v1.0",
        " HTTPS://GRAPH.MICROSOFT.COM ",
        "http://graph.microsoft.com",
        "graph.microsoft.com",
        "https://graph.microsoft.us",
        "https://dod-graph.microsoft.us/",
        "https://microsoftgraph.chinacloudapi.cn",
        "https://graph.windows.net",
    ],
)
def test_an_audience_of_graph_is_known_in_every_spelling(audience: str) -> None:
    assert is_graph_audience(audience)


@pytest.mark.parametrize(
    "audience",
    [
        "api://stanchion",
        "https://posture.example",
        "https://graph.microsoft.com.example",
        "https://example/graph.microsoft.com",
    ],
)
def test_another_audience_is_not_graphs(audience: str) -> None:
    assert not is_graph_audience(audience)


def test_entras_older_hosts_are_entras_too() -> None:
    assert is_entra_host("login.windows.net")
    assert not is_entra_host("login.example")
