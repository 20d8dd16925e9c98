"""`stanchion app certificate add | list | remove`, and `app add --certificate`."""

import datetime as dt
from pathlib import Path

import pytest

from tests.access.signers import Signer, p_256
from tests.cli.conftest import Run
from tests.cli.invoking import printed, refusal
from tests.serving.place import TENANT, Place

NOW = dt.datetime.now(dt.UTC)
SIGNER, ELLIPTIC = Signer(moment=NOW), Signer(p_256, moment=NOW)
EXPIRED = Signer(moment=NOW - dt.timedelta(days=60))


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A file as clients have it, with the private key."""
    file = tmp_path / "client.pem"
    file.write_bytes(SIGNER.key_pem + SIGNER.certificate_pem)
    return file


def test_a_certificate_is_added_listed_and_removed(run: Run, place: Place, pem: Path) -> None:
    added = printed(run("app", "certificate", "add", place.client_id, str(pem), "--json"))
    (row,) = added
    assert row["thumbprint"] == SIGNER.certificate.thumbprint
    assert row["subject"] == "CN=a client"
    assert row["ends"] > row["begins"]
    assert printed(run("app", "certificate", "list", place.client_id, "--json")) == added
    mine = next(app for app in printed(run("app", "list", "--json")) if app["client_id"] == place.client_id)
    assert mine["certificates"] == [f"{row['thumbprint'][:8]}..."]

    colons = ":".join(row["thumbprint"][index : index + 2] for index in range(0, 64, 2)).upper()
    given = f"sha256 Fingerprint={colons}"
    assert printed(run("app", "certificate", "remove", place.client_id, given, "--json")) == []
    assert "no certificate" in refusal(
        run("app", "certificate", "remove", place.client_id, row["thumbprint"])
    )


def test_a_certificate_in_der_and_one_on_a_curve_will_do(run: Run, place: Place, tmp_path: Path) -> None:
    file = tmp_path / "client.der"
    file.write_bytes(ELLIPTIC.certificate.der)
    (row,) = printed(run("app", "certificate", "add", place.client_id, str(file), "--json"))
    assert row["thumbprint"] == ELLIPTIC.certificate.thumbprint


@pytest.mark.parametrize(
    ("signer", "said"),
    [
        (Signer(p_256, moment=NOW, days=90), ""),
        (Signer(p_256, moment=NOW, days=20), "expires on"),
        (Signer(p_256, moment=NOW + dt.timedelta(days=2), days=90), "counts from"),
    ],
)
def test_a_certificate_of_another_time_is_noted(run: Run, place: Place, signer: Signer, said: str) -> None:
    file = place.folder / "client.pem"
    file.write_bytes(signer.certificate_pem)
    for arguments in (
        ("certificate", "add", place.client_id, str(file)),
        ("add", "--tenant", TENANT, "--name", "signs", "--certificate", str(file)),
    ):
        result = run("app", *arguments)
        assert result.exit_code == 0
        assert said in result.stderr
        assert result.stderr.count("\n") == (1 if said else 0)


def test_an_app_left_without_any_proof_is_noted(run: Run, place: Place, pem: Path) -> None:
    added = printed(
        run("app", "add", "--tenant", TENANT, "--name", "signs", "--certificate", str(pem), "--json")
    )
    thumbprint = SIGNER.certificate.thumbprint
    result = run("app", "certificate", "remove", added["client_id"], thumbprint)
    assert "neither certificate nor secret" in result.stderr
    run("app", "certificate", "add", place.client_id, str(pem))
    assert run("app", "certificate", "remove", place.client_id, thumbprint).stderr == ""


def test_a_certificate_added_again_stays_one(run: Run, place: Place, pem: Path) -> None:
    adding = ("app", "certificate", "add", place.client_id, str(pem), "--json")
    rows = [printed(run(*adding)) for _ in range(2)]
    assert [len(each) for each in rows] == [1, 1]


def test_an_app_with_a_certificate_gets_no_secret(run: Run, pem: Path) -> None:
    added = printed(
        run("app", "add", "--tenant", TENANT, "--name", "signs", "--certificate", str(pem), "--json")
    )
    assert "client_secret" not in added
    assert added["secrets"] == []
    assert added["certificates"] == [f"{SIGNER.certificate.thumbprint[:8]}..."]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no certificate in PEM or DER"),
        (SIGNER.key_pem, "a private key alone"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate in PEM or DER"),
        (EXPIRED.certificate_pem, "it expired at"),
        (b"x" * 300_000, "larger than"),
    ],
)
def test_a_file_without_a_certificate_to_use_is_refused(
    run: Run, place: Place, *, content: bytes, reason: str
) -> None:
    file = place.folder / "client.pem"
    file.write_bytes(content)
    assert reason in refusal(run("app", "certificate", "add", place.client_id, str(file)))
    assert reason in refusal(
        run("app", "add", "--tenant", TENANT, "--name", "signs", "--certificate", str(file))
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("add", "{app}", "nowhere.pem"), "cannot be read"),
        (("list", "nobody"), "stanchion app list"),
        (("remove", "{app}", "abc"), "64 hex digits"),
    ],
)
def test_what_is_not_there_is_refused(
    run: Run, place: Place, arguments: tuple[str, ...], reason: str
) -> None:
    given = (argument.format(app=place.client_id) for argument in arguments)
    assert reason in refusal(run("app", "certificate", *given))
