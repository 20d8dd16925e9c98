"""`stanchion issuer add | list | remove`: whose tokens are trusted besides our own."""

import pytest

from tests.cli.conftest import Run
from tests.cli.invoking import printed, refusal
from tests.serving.place import OTHER_TENANT, TENANT

# Nothing listens there, so that what asks it is refused at once.
NOBODY = "127.0.0.1:1"
KEYS = ("--keys-url", f"https://{NOBODY}/keys", "--keys-host", NOBODY)
AUDIENCE = ("--audience", "api://stanchion")


def test_an_issuer_is_added_listed_and_removed(run: Run) -> None:
    added = printed(run("issuer", "add", "global", *AUDIENCE, "--tenant", TENANT, *KEYS, "--json"))
    assert {**added, "id": "", "created": ""} == {
        "id": "",
        "issuer": "global",
        "audiences": ["api://stanchion"],
        "tenants": [TENANT],
        "fleet_home": False,
        "keys": f"https://{NOBODY}/keys",
        "created": "",
    }
    assert printed(run("issuer", "list", "--json")) == [added]
    assert printed(run("issuer", "remove", "global", "--json")) == added
    assert printed(run("issuer", "list", "--json")) == []


def test_keys_that_cannot_be_had_are_noted(run: Run) -> None:
    added = run("issuer", "add", "china", *AUDIENCE, "--tenant", TENANT, *KEYS)
    assert added.exit_code == 0
    assert added.stderr.startswith(f"It was added, but: https://{NOBODY}/keys cannot be reached: ")
    assert added.stderr.count("\n") == 1


def test_an_entry_may_have_several_tenants_and_audiences_and_be_a_fleet_home(run: Run) -> None:
    tenants = ("--tenant", OTHER_TENANT, "--tenant", TENANT)
    wish = (*AUDIENCE, "--audience", "b", *tenants, "--fleet-home")
    added = printed(run("issuer", "add", "usgov", *wish, *KEYS, "--json"))
    assert (added["audiences"], added["tenants"], added["fleet_home"]) == (
        ["api://stanchion", "b"],
        [OTHER_TENANT, TENANT],
        True,
    )
    people = run("issuer", "list").stdout.splitlines()
    assert people[0].split()[:3] == ["id", "issuer", "audiences"]
    assert f"{OTHER_TENANT}, {TENANT}" in people[1]


def test_an_issuer_that_does_not_answer_is_not_added(run: Run) -> None:
    message = refusal(run("issuer", "add", f"https://{NOBODY}/realms/a", *AUDIENCE, "--tenant", TENANT))
    assert message.startswith(f"https://{NOBODY}/realms/a/.well-known/openid-configuration cannot be reached")
    assert "--keys-url" in message
    assert printed(run("issuer", "list", "--json")) == []


@pytest.mark.parametrize("missing", ["--audience", "--tenant"])
def test_an_issuer_without_an_audience_or_a_tenant_is_a_usage_error(run: Run, missing: str) -> None:
    wish = {"--audience": "a", "--tenant": TENANT}
    del wish[missing]
    result = run("issuer", "add", "global", *(word for pair in wish.items() for word in pair))
    assert result.exit_code == 2
    assert f"Missing option '{missing}'" in result.stderr


def test_removing_what_nobody_added_is_refused(run: Run) -> None:
    assert "stanchion issuer list" in refusal(run("issuer", "remove", "global"))
