"""`stanchion check` of what the server is told: settings that cannot be or do not go together, certificates."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from stanchion.cli.certificate import make_certificates
from tests.cli.checking import amiss, check, only
from tests.serving.place import Place

pytestmark = pytest.mark.sqlite("looks at settings, which no database keeps")

SETTINGS = {
    "a variable that is none": ((), {"STANCHION_PROT": "1"}, "Did you mean 'STANCHION_PORT'?"),
    "a variable of a wrong value": ((), {"STANCHION_PORT": "x"}, "Invalid value for STANCHION_PORT"),
    "a file that is not there": (("--config", "no.toml"), {}, "no.toml cannot be read"),
    "a database of another kind": (("--database", "mysql://h/d"), {}, "mysql:// names no database"),
}


@pytest.mark.parametrize(("arguments", "environment", "said"), SETTINGS.values(), ids=SETTINGS)
def test_settings_that_cannot_be_read_are_the_one_failure(
    arguments: tuple[str, ...], environment: Mapping[str, str], said: str
) -> None:
    _, lines = check(None, *arguments, environment=environment)

    assert [line.check for line in lines] == ["configuration"]
    assert said in only(lines)


CONTRADICTIONS = {
    "two workers": (("--workers", "2"), "failed", "leave --workers at 1."),
    "a key alone": (("--tls-key", "k.pem"), "failed", "--tls-certificate and --tls-key go together."),
    "a public URL with a path": (("--public-url", "https://a.example/x"), "failed", "The public URL"),
    "a CORS origin with a path": (("--cors-origin", "https://a.example/x"), "failed", "The CORS origin"),
    "a proxy that is none": (("--trusted-proxy", "proxy"), "failed", "The trusted proxy 'proxy'"),
    "no public URL": (("--host", "0.0.0.0"), "warning", "but without --public-url only localhost is"),  # noqa: S104
    "http in public": (("--public-url", "http://a.example"), "warning", "pass in the clear; use https."),
    "http in public on a port": (("--public-url", "http://a.example:81"), "warning", "use https."),
}


@pytest.mark.parametrize(("arguments", "status", "said"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_settings_that_do_not_go_together_are_told(
    place: Place, arguments: tuple[str, ...], status: str, said: str
) -> None:
    _, lines = check(place, *arguments)

    assert amiss(lines)[0][:2] == ("configuration", status)
    assert said in only(lines)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:8080", "http://[::1]", "https://a.example"],
)
def test_settings_that_go_together_are_well(place: Place, url: str) -> None:
    _, lines = check(place, "--public-url", url)

    assert amiss(lines) == []


def certificate(folder: Path, *, begins: dt.datetime, days: int) -> tuple[str, ...]:
    """Write a certificate and its key; return the options that name them."""
    _, chain, key = make_certificates(("localhost",), now=begins, days=days)
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    return ("--tls-certificate", str(folder / "chain.pem"), "--tls-key", str(folder / "key.pem"))


@pytest.mark.parametrize(
    ("days", "status", "said"),
    [
        ((0, 90), "ok", "89 days from now."),
        ((0, 31), "ok", "30 days from now."),
        ((0, 29), "warning", "28 days from now; renew it and restart the server."),
        ((-10, 5), "failed", "The certificate expired on "),
        ((10, 90), "failed", "The certificate is not valid before "),
    ],
)
def test_a_certificate_has_days_left_or_not(
    place: Place, days: tuple[int, int], status: str, said: str
) -> None:
    begins = dt.datetime.now(dt.UTC) + dt.timedelta(days=days[0])

    _, lines = check(place, *certificate(place.folder, begins=begins, days=days[1]))

    found = [line for line in lines if line.check == "certificate"]
    assert found[0].status == status
    assert said in found[0].finding


def test_a_key_of_another_certificate_fails(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    options = certificate(tmp_path, begins=dt.datetime.now(dt.UTC), days=90)
    foreign = certificate(other, begins=dt.datetime.now(dt.UTC), days=90)

    _, lines = check(place, *options[:3], foreign[3])

    assert only(lines).endswith(": the key is that of another certificate.")


def test_a_key_with_a_passphrase_fails_and_nobody_is_asked_for_it(place: Place, tmp_path: Path) -> None:
    options = certificate(tmp_path, begins=dt.datetime.now(dt.UTC), days=90)
    key = load_pem_private_key((tmp_path / "key.pem").read_bytes(), None)
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    (tmp_path / "key.pem").write_bytes(sealed)

    _, lines = check(place, *options)

    assert only(lines).endswith(
        "cannot be used: the key is encrypted, and the server asks for no passphrase."
    )


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"chain.pem": None}, "chain.pem cannot be read: No such file or directory."),
        ({"key.pem": None}, "key.pem cannot be read: No such file or directory."),
        ({"chain.pem": "none"}, "chain.pem holds no certificate in PEM."),
        ({"key.pem": "none"}, "key.pem holds no private key in PEM."),
        ({"chain.pem": None, "key.pem": None}, "chain.pem cannot be read: No such file or directory."),
    ],
)
def test_a_file_that_is_no_certificate_or_key_fails_once(
    place: Place, tmp_path: Path, broken: Mapping[str, str | None], said: str
) -> None:
    options = certificate(tmp_path, begins=dt.datetime.now(dt.UTC), days=90)
    for name, text in broken.items():
        (tmp_path / name).unlink() if text is None else (tmp_path / name).write_text(text)

    _, lines = check(place, *options)

    assert only(lines).endswith(said)
