"""`stanchion tenant | app | secret | token | key`: who may ask."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.invoking import invoke, printed, refusal
from tests.serving.place import OTHER_TENANT, TENANT, Place

NEW_TENANT = "cccccccc-0000-4000-8000-000000000003"


def claims(token: str) -> dict[str, Any]:
    """Return what a token says, unverified."""
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def test_adding_a_tenant_makes_the_store_and_its_key(tmp_path: Path) -> None:
    database = tmp_path / "new.db"
    added = printed(
        invoke("tenant", "add", NEW_TENANT, "--name", "New", "--json", "--database", f"sqlite:///{database}")
    )

    assert added == {"tenant": NEW_TENANT, "name": "New"}
    assert Path(f"{database}.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["new.db", "new.db.key"]


def test_tenants_are_listed_by_id(run: Run) -> None:
    listed = printed(run("tenant", "list", "--json"))
    people = run("tenant", "list").stdout.splitlines()

    assert [(row["tenant"], row["name"]) for row in listed] == [
        (TENANT, "Alder Quay"),
        (OTHER_TENANT, "Brinewood"),
    ]
    assert people[0].split() == ["tenant", "name", "created"]
    assert people[1].startswith(f"{TENANT}  Alder Quay")


def test_a_tenant_id_is_lower_cased_and_one_that_is_no_guid_warned_of(run: Run) -> None:
    added = run("tenant", "add", "ABC", "--name", "Odd", "--json")

    assert printed(added)["tenant"] == "abc"
    assert added.stderr == "abc is not a GUID, as tenant ids of Entra are.\n"


@pytest.mark.parametrize(
    ("tenant_id", "name", "reason"),
    [
        (TENANT, "Again", "exists already"),
        (TENANT.upper(), "Again", "exists already"),
        ("contoso.com", "Name", "not a tenant id"),
        ("", "Name", "not a tenant id"),
        ("a" * 65, "Name", "not a tenant id"),
        ("00000000-0000-0000-0000-000000000000", "Nil", "reserved"),
        ("9188040d-6c67-4c5b-b112-36a304b66dad", "Personal", "reserved"),
        (NEW_TENANT, "", "name"),
        (NEW_TENANT, "two\nlines", "name"),
        (NEW_TENANT, "x" * 257, "name"),
    ],
)
def test_a_tenant_that_cannot_be_added_is_refused(run: Run, tenant_id: str, name: str, reason: str) -> None:
    assert reason in refusal(run("tenant", "add", tenant_id, "--name", name))
    assert len(printed(run("tenant", "list", "--json"))) == 2


def test_an_app_is_added_with_its_secret_shown_once(run: Run) -> None:
    added = printed(run("app", "add", "--tenant", TENANT, "--name", "new", "--json"))
    listed = run("app", "list", "--tenant", TENANT, "--json")
    mine = next(row for row in printed(listed) if row["client_id"] == added["client_id"])

    assert added["permissions"] == ["SecurityEvents.Read.All"]
    assert added["client_secret"] not in listed.stdout
    assert mine == {name: value for name, value in added.items() if name != "client_secret"}


def test_an_app_has_the_permissions_provider_and_reach_that_were_given(run: Run) -> None:
    given = (
        *("--permission", "SecurityEvents.ReadWrite.All", "--permission", "Ledger.Fleet.Read"),
        *("--provider", "Prowler", "--fleet"),
    )
    added = printed(run("app", "add", "--tenant", TENANT, "--name", "new", "--json", *given))

    assert added["permissions"] == ["SecurityEvents.ReadWrite.All", "Ledger.Fleet.Read"]
    assert (added["provider"], added["fleet"]) == ("Prowler", True)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--tenant", NEW_TENANT, "--name", "x"), "stanchion tenant add"),
        (("--tenant", "nobody", "--name", "x"), "not a tenant id"),
        (("--tenant", TENANT, "--name", "x", "--permission", "Everything"), "SecurityEvents.Read.All"),
        (("--tenant", TENANT, "--name", ""), "name"),
    ],
)
def test_an_app_that_cannot_be_added_is_refused(run: Run, arguments: tuple[str, ...], reason: str) -> None:
    assert reason in refusal(run("app", "add", *arguments))


def test_two_secrets_of_an_app_are_good_at_a_time(run: Run, place: Place) -> None:
    newer = [printed(run("app", "secret", place.client_id, "--json"))["client_secret"] for _ in range(2)]
    asking = ("token", "--tenant", TENANT, "--client-id", place.client_id, "--client-secret")

    assert "not one of the app" in refusal(run(*asking, place.secret))
    assert [run(*asking, secret).exit_code for secret in newer] == [0, 0]


def test_a_revoked_app_gets_no_token(run: Run, place: Place) -> None:
    revoked = printed(run("app", "revoke", place.client_id, "--json"))

    assert revoked["revoked"].endswith("Z")
    assert "revoked" in refusal(run("token", "--tenant", TENANT, "--client-id", place.client_id))
    assert run("app", "secret", place.client_id).exit_code == 1


def test_tokens_are_revoked_and_the_app_stays(run: Run, place: Place) -> None:
    changed = printed(run("app", "revoke-tokens", place.client_id, "--json"))

    assert changed["tokens_from"].endswith("Z")
    assert changed["revoked"] is None
    assert run("token", "--tenant", TENANT, "--client-id", place.client_id).exit_code == 0


@pytest.mark.parametrize("command", ["secret", "revoke", "revoke-tokens"])
def test_an_app_that_is_not_there_is_refused(run: Run, command: str) -> None:
    assert "stanchion app list" in refusal(run("app", command, "nobody"))


def test_a_token_says_for_whom_and_for_how_long(run: Run, place: Place) -> None:
    issued = printed(run("token", "--tenant", TENANT, "--client-id", place.client_id, "--json"))
    said = claims(issued["access_token"])

    assert (said["tid"], said["appid"], said["idtyp"]) == (TENANT, place.client_id, "app")
    assert said["roles"] == ["SecurityEvents.ReadWrite.All"]
    assert said["exp"] - said["iat"] == 3600
    assert issued["expires"].endswith("Z")


def test_a_token_is_printed_alone_so_that_a_shell_can_take_it(run: Run, place: Place) -> None:
    printed_alone = run("token", "--tenant", TENANT, "--client-id", place.client_id).stdout

    assert printed_alone.count("\n") == 1
    assert claims(printed_alone.strip())["tid"] == TENANT


def test_a_delegated_token_speaks_for_a_person(run: Run, place: Place) -> None:
    person = ("--upn", "ana@alder.example", "--scope", "SecurityEvents.Read.All", "--role", "Security Reader")
    said = claims(run("token", "--tenant", TENANT, "--client-id", place.client_id, *person).stdout)

    assert (said["upn"], said["scp"]) == ("ana@alder.example", "SecurityEvents.Read.All")
    assert len(said["wids"]) == 1
    assert "roles" not in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--tenant", OTHER_TENANT), "has no app"),
        (("--tenant", TENANT, "--scope", "SecurityEvents.Read.All"), "--upn"),
        (("--tenant", TENANT, "--upn", "ana", "--role", "King"), "King"),
        (("--tenant", TENANT, "--upn", "ana", "--scope", "Everything"), "Everything"),
        (("--tenant", TENANT, "--client-secret", "wrong"), "not one of the app"),
    ],
)
def test_a_token_that_cannot_be_made_is_refused(
    run: Run, place: Place, arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in refusal(run("token", "--client-id", place.client_id, *arguments))


def test_a_secret_in_the_environment_asks_as_the_app_itself_and_is_no_change(run: Run, place: Place) -> None:
    before = printed(run("verify", "--tenant", TENANT, "--json"))["changes"]
    asking = ("token", "--tenant", TENANT, "--client-id", place.client_id)
    as_app = invoke(*asking, *place.options, environment={"STANCHION_CLIENT_SECRET": place.secret})
    as_operator = run(*asking)

    assert (as_app.exit_code, as_operator.exit_code) == (0, 0)
    assert printed(run("verify", "--tenant", TENANT, "--json"))["changes"] == before + 1


def test_a_rotation_makes_a_key_and_retires_the_one_before(run: Run) -> None:
    (before,) = printed(run("key", "list", "--json"))
    rotated = printed(run("key", "rotate", "--json"))
    after = printed(run("key", "list", "--json"))

    assert rotated["retired"] == [before["key"]]
    assert [row["key"] for row in after] == [before["key"], rotated["key"]]
    assert after[0]["retires"] is not None
    assert after[1]["retires"] is None


def test_a_lost_key_file_is_told_of_and_a_rotation_helps(run: Run, place: Place) -> None:
    place.key_file.unlink()
    asking = ("token", "--tenant", TENANT, "--client-id", place.client_id)

    assert "stanchion key rotate" in refusal(run(*asking))
    assert run("key", "rotate").exit_code == 0
    assert run(*asking).exit_code == 0
