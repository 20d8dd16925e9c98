"""`stanchion certificate`: a private authority and a server certificate, for trying clients over TLS.

Not for production: whoever holds the authority's key can speak for any name to those who trust it. The files:
`ca.pem` (what clients trust), `server.pem` (the chain), `server-key.pem`; the authority's key is not kept.
"""

import datetime as dt
import ipaddress
import re
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stanchion.cli.options import json_option, print_object
from stanchion.errors import OperatorError
from stanchion.model.wording import shown

DEFAULT_NAMES = ("localhost", "127.0.0.1", "::1")

# RFC 1123 2.1; a leading `*.` stands for one label (RFC 6125 6.4.3).
_HOST_NAME = re.compile(
    r"(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_HOST_NAME = 253


@click.command()
@click.option(
    "--name", "names", multiple=True, default=DEFAULT_NAMES, show_default=True, help="Host name or address."
)
@click.option(
    "--to",
    "directory",
    type=click.Path(path_type=Path),
    default=Path("tls"),
    show_default=True,
    help="Folder to write to.",
)
@click.option(
    "--days", type=click.IntRange(1, 825), default=90, show_default=True, help="How long it is valid."
)
@json_option
def certificate(names: tuple[str, ...], directory: Path, days: int, *, as_json: bool) -> None:
    """Make a private CA and a server certificate, for trying clients over TLS."""
    authority_pem, server_pem, key_pem = make_certificates(names, now=dt.datetime.now(dt.UTC), days=days)
    files = {
        "ca": directory / "ca.pem",
        "certificate": directory / "server.pem",
        "key": directory / "server-key.pem",
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        files["ca"].write_bytes(authority_pem)
        files["certificate"].write_bytes(server_pem + authority_pem)
        # A file that was there keeps its mode when it is written to, so the mode is set before the key is.
        files["key"].touch()
        files["key"].chmod(0o600)
        files["key"].write_bytes(key_pem)
    except OSError as error:
        raise OperatorError(f"{directory} cannot be written: {error.strerror}.") from None
    print_object({name: str(path) for name, path in files.items()}, as_json=as_json)


def make_certificates(names: tuple[str, ...], *, now: dt.datetime, days: int) -> tuple[bytes, bytes, bytes]:
    """Return the authority's certificate, the server's, and the server's private key, each in PEM.

    Raises OperatorError for a name that is neither a host's nor an address.
    """
    alternatives = [_alternative(name) for name in names]
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("Stanchion test authority")
    authority = (
        _builder(authority_name, authority_name, now=now, days=days)
        .public_key(authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    server_key = ec.generate_private_key(ec.SECP256R1())
    server = (
        _builder(_name(names[0]), authority_name, now=now, days=days)
        .public_key(server_key.public_key())
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    return _pem(authority), _pem(server), _key_pem(server_key)


def _builder(
    subject: x509.Name, issuer: x509.Name, *, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        # A client whose clock is a little behind is to accept it at once.
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    if len(name) > _LONGEST_HOST_NAME or _HOST_NAME.fullmatch(name) is None:
        raise OperatorError(
            f"{shown(name)} is no host name or address; a name such as posture.example is expected."
        )
    return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
