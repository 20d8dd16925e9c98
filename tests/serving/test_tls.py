"""Serving over TLS."""

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from cryptography import x509

from tests.cli.invoking import invoke
from tests.serving.place import Place, control_id
from tests.serving.process import PATIENCE_SECONDS, Certificates, Server, running

pytestmark = pytest.mark.sqlite("is about the socket, before anything is stored")

Wrong: TypeAlias = Callable[[Certificates, Path], tuple[Path, Path]]


@pytest.fixture(scope="module")
def secured(shared_place: Place, certificates: Certificates) -> Iterator[Server]:
    with running(shared_place, tls=certificates) as server:
        yield server


@pytest.mark.parametrize(("http2", "version"), [(False, "HTTP/1.1"), (True, "HTTP/2")])
def test_https_is_served_over_both_versions_of_http(
    secured: Server, shared_place: Place, *, http2: bool, version: str
) -> None:
    with secured.client(shared_place.token, http2=http2) as client:
        page = client.get("/v1.0/security/secureScores?$top=2")
        patched = client.patch(
            f"/beta/security/secureScoreControlProfiles/{control_id(0)}", json={"comment": version}
        )

    assert (page.status_code, page.http_version) == (200, version)
    assert page.json()["@odata.nextLink"].startswith(f"{secured.origin}/v1.0/security/secureScores?")
    assert patched.status_code == 204


def test_a_client_of_both_versions_gets_the_newer_one(secured: Server, certificates: Certificates) -> None:
    context = certificates.trust()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with secured_socket(secured, context, name="localhost") as connection:
        assert connection.selected_alpn_protocol() == "h2"


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_certificate_speaks_for_the_loopback_names(
    secured: Server, certificates: Certificates, name: str
) -> None:
    with secured_socket(secured, certificates.trust(), name=name) as connection:
        assert connection.version() == "TLSv1.3"


def test_a_client_that_does_not_trust_the_authority_is_not_served(secured: Server) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        secured_socket(secured, ssl.create_default_context(), name="localhost")


def test_tls_1_2_is_served_too(secured: Server, certificates: Certificates) -> None:
    context = certificates.trust()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with secured_socket(secured, context, name="localhost") as connection:
        assert connection.version() == "TLSv1.2"


def test_the_private_key_is_for_its_owner_alone_and_the_authority_signs_nothing_else(
    certificates: Certificates,
) -> None:
    assert certificates.key.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in certificates.authority.read_text() + certificates.chain.read_text()
    authority = x509.load_pem_x509_certificate(certificates.authority.read_bytes())
    limits = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (limits.ca, limits.path_length) == (True, 0)


def secured_socket(server: Server, context: ssl.SSLContext, *, name: str) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS)
    try:
        return context.wrap_socket(plain, server_hostname=name)
    except ssl.SSLError:
        plain.close()
        raise


def other_key(certificates: Certificates, folder: Path) -> tuple[Path, Path]:
    assert invoke("certificate", "--to", folder / "other").exit_code == 0
    return certificates.chain, folder / "other" / "server-key.pem"


def no_certificate(certificates: Certificates, folder: Path) -> tuple[Path, Path]:
    broken = folder / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    return broken, certificates.key


def missing_file(certificates: Certificates, folder: Path) -> tuple[Path, Path]:
    return folder / "missing.pem", certificates.key


@pytest.mark.parametrize("wrong", [other_key, no_certificate, missing_file])
def test_a_certificate_and_key_that_do_not_fit_keep_the_server_from_starting(
    certificates: Certificates, tmp_path: Path, wrong: Wrong
) -> None:
    chain, key = wrong(certificates, tmp_path)
    database = tmp_path / "stanchion.db"
    ran = invoke("serve", "--database", f"sqlite:///{database}", "--tls-certificate", chain, "--tls-key", key)

    assert ran.exit_code == 1
    assert ran.stderr.count("\n") == 1
    assert str(chain) in ran.stderr
    assert not database.exists()


def test_a_certificate_without_its_key_is_a_usage_error(certificates: Certificates) -> None:
    ran = invoke("serve", "--tls-certificate", certificates.chain)

    assert ran.exit_code == 2
    assert "--tls-key" in ran.stderr
