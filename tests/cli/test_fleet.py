"""`stanchion fleet`: all tenants at once, for people and for scripts."""

from stanchion.access.operator import add_tenant
from tests.cli.conftest import Run
from tests.cli.invoking import invoke, printed
from tests.serving.place import CONTROLS, OPERATOR, OTHER_TENANT, TENANT, Place

_THIRD = "99999999-0000-4000-8000-000000000009"


def test_json_has_the_counts_the_providers_and_the_silent_tenants(run: Run) -> None:
    told = printed(run("fleet", "--days", 36_500, "--json"))

    assert (told["tenants"], told["controls"], told["scores"], told["days"]) == (2, CONTROLS, 12, 36_500)
    assert told["newest"].startswith("2026-01-12T")
    (provider,) = told["providers"]
    assert (provider["vendor"], provider["provider"]) == ("Microsoft", "SecureScore")
    assert (provider["tenants"], provider["scores"]) == (1, 12)
    assert told["silent"] == 1
    assert told["silentTenants"] == [{"tenant": OTHER_TENANT, "name": "Brinewood", "newest": None}]


def test_people_get_tables(run: Run) -> None:
    result = run("fleet", "--days", 0)

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["tenants:", "2"]
    assert any(line.startswith("Microsoft  SecureScore") for line in lines)
    assert "Without a score for 0 days:" in lines
    assert [line.split()[0] for line in lines[-2:]] == [OTHER_TENANT, TENANT]


def test_only_as_many_silent_tenants_are_listed_as_were_asked_for(place: Place, run: Run) -> None:
    with place.opened() as store:
        add_tenant(store, _THIRD, name="Cinderfell", actor=OPERATOR)

    told = printed(run("fleet", "--days", 36_500, "--limit", 1, "--json"))
    assert (told["silent"], len(told["silentTenants"])) == (2, 1)
    assert printed(run("fleet", "--limit", 0, "--json"))["silentTenants"] == []


def test_a_database_that_is_not_there_is_one_line() -> None:
    result = invoke("fleet", "--database", "sqlite:////nowhere/at/all.db")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
