"""Clients that sign: keys with certificates of their own, and the assertions that they make."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, RSAKey

from stanchion.access.client import Client
from stanchion.access.client_assertion import ASSERTION_TYPE
from stanchion.access.client_certificate import ClientCertificate, read_certificate
from stanchion.access.operator_certificate import add_certificate
from tests.access.workbench import NOW, OPERATOR, ORIGIN, TENANT, Bench
from tests.issuers.minting import SigningKey, changed, signed

TOKEN_ENDPOINT = f"{ORIGIN}/{TENANT}/oauth2/v2.0/token"
PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def rsa_2048() -> rsa.RSAPrivateKey:
    """Return a key as most clients have."""
    return rsa.generate_private_key(65537, 2048)


def p_256() -> ec.EllipticCurvePrivateKey:
    """Return an elliptic key."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Signer:
    """A key and its certificate, which counts for `days` from the day before `NOW` or another moment."""

    make: Callable[[], PrivateKey] = rsa_2048
    days: int = 30
    moment: dt.datetime = field(default_factory=lambda: dt.datetime.fromtimestamp(NOW, dt.UTC))
    name: str = "a client"

    @cached_property
    def private(self) -> PrivateKey:
        """The key itself, made when it is first needed."""
        return self.make()

    @cached_property
    def certificate_pem(self) -> bytes:
        """The certificate, signed by its own key."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
        begins = self.moment - dt.timedelta(days=1)
        return (
            builder.public_key(self.private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + dt.timedelta(days=self.days))
            .sign(
                self.private, None if isinstance(self.private, ed25519.Ed25519PrivateKey) else hashes.SHA256()
            )
            .public_bytes(Encoding.PEM)
        )

    @cached_property
    def key_pem(self) -> bytes:
        """The private key, as clients read it."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @cached_property
    def certificate(self) -> ClientCertificate:
        """The certificate as the store keeps it."""
        loaded = x509.load_pem_x509_certificate(self.certificate_pem)
        return read_certificate(loaded.public_bytes(Encoding.DER))

    @cached_property
    def signing_key(self) -> SigningKey:
        """The key as it signs."""
        elliptic = isinstance(self.private, ec.EllipticCurvePrivateKey)
        key = ECKey.import_key(self.key_pem) if elliptic else RSAKey.import_key(self.key_pem)
        return SigningKey(lambda: key, "", "ES256" if elliptic else "PS256")

    def header(self, **changes: object) -> dict[str, Any]:
        """Return the header of an assertion, members changed, or left out where Ellipsis."""
        made = {"alg": self.signing_key.algorithm, "typ": "JWT", "x5t#S256": self.certificate.sha256}
        return changed(made, **changes)

    def assertion(
        self,
        client_id: str,
        /,
        *,
        header: dict[str, object] | None = None,
        algorithm: str | None = None,
        **changes: object,
    ) -> str:
        """Return an assertion as MSAL makes it, claims changed, or left out where Ellipsis; signed by `algorithm`."""
        key = self.signing_key if algorithm is None else replace(self.signing_key, algorithm=algorithm)
        made = self.header(**{"alg": key.algorithm, **(header or {})})
        return signed(made, changed(good_claims(client_id), **changes), key)

    def added_to(self, bench: Bench) -> Client:
        """Give the certificate to the app of a bench, which knows it at once."""
        app = add_certificate(bench.store, bench.client_id, certificate=self.certificate, actor=OPERATOR)
        bench.directory.reread()
        return app


def good_claims(client_id: str) -> dict[str, Any]:
    """Return what MSAL for Python says, times with fractions."""
    return {
        "aud": TOKEN_ENDPOINT,
        "iss": client_id,
        "sub": client_id,
        "exp": NOW + 600.25,
        "iat": NOW + 0.25,
        "jti": "0b1a5b2e-6a0c-4a53-9d6e-1b2c3d4e5f60",
    }


def asserted(assertion: str) -> dict[str, str | None]:
    """Return what of a form an assertion changes."""
    return {"client_secret": None, "client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
