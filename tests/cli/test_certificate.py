"""`stanchion certificate`: files for trying clients over TLS."""

import datetime as dt
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from tests.cli.invoking import invoke, printed, refusal


def certificate(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())


def test_it_names_the_files_it_wrote(tmp_path: Path) -> None:
    made = printed(invoke("certificate", "--to", tmp_path / "tls", "--json"))

    assert {name: Path(path).name for name, path in made.items()} == {
        "ca": "ca.pem",
        "certificate": "server.pem",
        "key": "server-key.pem",
    }
    assert all(Path(path).is_file() for path in made.values())


def test_it_is_for_the_names_and_the_time_that_were_asked(tmp_path: Path) -> None:
    invoke("certificate", "--to", tmp_path, "--name", "posture.example", "--name", "10.1.2.3", "--days", "3")
    made = certificate(tmp_path)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["posture.example"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("10.1.2.3")]
    assert made.not_valid_after_utc - dt.datetime.now(dt.UTC) < dt.timedelta(days=3)


def test_a_key_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    key = tmp_path / "server-key.pem"
    key.touch(mode=0o644)
    invoke("certificate", "--to", tmp_path)

    assert key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["", "zwölf.example", "two words", "-.example", "a" * 300])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    assert "name" in refusal(invoke("certificate", "--to", tmp_path / "tls", "--name", name))
    assert not (tmp_path / "tls").exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tls").touch()

    assert str(tmp_path / "tls") in refusal(invoke("certificate", "--to", tmp_path / "tls"))


@pytest.mark.parametrize("days", ["0", "826", "many"])
def test_a_time_that_is_not_allowed_is_a_usage_error(tmp_path: Path, days: str) -> None:
    assert invoke("certificate", "--to", tmp_path, "--days", days).exit_code == 2
