"""What proves who asks: bearer tokens, assertions of clients, forms of the token endpoint, claims.

- An input is either what a stranger sends as it is, or the header and the payload of a token that is signed here. By
  our own key it may count; by anybody else's, or not at all, it never does.
- `{app}` and `{kid}` in an input stand for what is made anew in each process.
"""

import tempfile
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from fuzz.target import REFUSALS, event_loop, parted
from stanchion.access.bearer import TokenHeader
from stanchion.access.claims_challenge import read_claims_request
from stanchion.access.client import Client, StoredCertificate
from stanchion.access.client_assertion import check_assertion, read_assertion
from stanchion.access.client_certificate import read_certificate
from stanchion.access.directory import Directory
from stanchion.access.external_claims import begins_seconds, client_id, ends_seconds, read_external_claims
from stanchion.access.issuer_entry import IssuerEntry
from stanchion.access.key_file import read_or_make_key_file
from stanchion.access.keys import open_private_key
from stanchion.access.operator import AppWish, add_app, add_tenant, rotate_key
from stanchion.access.origin import Origins
from stanchion.access.token import TokenVerifier
from stanchion.access.token_request import EndpointVersion, read_credentials
from stanchion.ledger.changes import Operator
from stanchion.model.json_text import parse_object
from stanchion.store import SQLiteStore

TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
NOW = 1_800_000_000.0
_PARTS = 3
_OURS, _THEIRS = b"ours", b"theirs"
_COORDINATE_BYTES = 32


class Bearer:
    """A verifier over a store with one tenant and one app."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="stanchion-fuzz-"))
        operator, key_file = Operator("fuzz"), folder / "key"
        store = SQLiteStore.open(folder / "fuzz.db")
        add_tenant(store, TENANT, name="Fuzz", actor=operator)
        app = add_app(store, AppWish(TENANT, "fuzz"), actor=operator).app
        self._kid = rotate_key(store, key_file=key_file, actor=operator).kid
        (row,) = store.signing_keys()
        opened = open_private_key(row.sealed_private_key, read_or_make_key_file(key_file), kid=self._kid)
        self._key = opened.private_key
        self._other_key = rsa.generate_private_key(65537, 2048)
        self._app_id = app.client_id
        directory = Directory(store, clock=lambda: 0.0)
        self._verifier = TokenVerifier(directory, origins=Origins(), store_id=store.store_id)

    def __call__(self, data: bytes) -> None:
        """Send an Authorization header, or a token of this header and payload that somebody has signed."""
        who, header, payload = parted(data, _PARTS)
        sent = self._signed(header, payload, by=who) if who in {_OURS, _THEIRS} else data.decode("latin-1")
        with suppress(*REFUSALS):
            caller = event_loop().run_until_complete(self._verifier.caller((sent,), now_seconds=NOW))
            assert who == _OURS, sent
            assert (caller.tenant_id, caller.app_id) == (TENANT, self._app_id)

    def _signed(self, header: bytes, payload: bytes, *, by: bytes) -> str:
        values = {b"{app}": self._app_id.encode(), b"{kid}": self._kid.encode()}
        for place, value in values.items():
            header, payload = header.replace(place, value), payload.replace(place, value)
        signed = f"{_base64(header)}.{_base64(payload)}"
        key = self._key if by == _OURS else self._other_key
        assert isinstance(key, rsa.RSAPrivateKey)
        return f"Bearer {signed}.{_base64(key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"


class Assertions:
    """A client with a certificate, whose assertions are read and checked."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._other_key = ec.generate_private_key(ec.SECP256R1())
        der = _certificate(self._key)
        certificate = StoredCertificate(read_certificate(der).thumbprint, der, 0)
        self._client = Client(
            client_id="bbbbbbbb-0000-4000-8000-000000000002",
            tenant_id=TENANT,
            name="fuzz",
            permissions=(),
            provider=None,
            fleet=False,
            secrets=(),
            created_ticks=0,
            certificates=(certificate,),
        )

    def __call__(self, data: bytes) -> None:
        """Send an assertion as it is, or one of this header and payload that somebody has signed."""
        who, header, payload = parted(data, _PARTS)
        sent = (
            self._signed(header, payload, by=who)
            if who in {_OURS, _THEIRS}
            else data.decode("utf-8", "replace")
        )
        with suppress(*REFUSALS):
            check_assertion(
                read_assertion(sent), self._client, origins=("http://127.0.0.1:8080",), now_seconds=NOW
            )
            assert who == _OURS, sent

    def _signed(self, header: bytes, payload: bytes, *, by: bytes) -> str:
        signed = f"{_base64(header)}.{_base64(payload)}"
        key = self._key if by == _OURS else self._other_key
        numbers = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{_base64(b''.join(number.to_bytes(_COORDINATE_BYTES) for number in numbers))}"


def fuzz_form(data: bytes) -> None:
    """Read a form of the token endpoint, with and without HTTP Basic, and its claims."""
    authorization, content_type, body = parted(data, _PARTS)
    versions: tuple[EndpointVersion, ...] = ("v1.0", "v2.0")
    for version in versions:
        for sent in ((), (authorization.decode("latin-1"),)):
            with suppress(*REFUSALS):
                read = read_credentials(
                    body, content_type=content_type.decode("latin-1"), authorization=sent, version=version
                )
                assert read.client_id
    with suppress(*REFUSALS):
        read_claims_request(body.decode("utf-8", "replace"))


_ENTRIES = tuple(
    IssuerEntry(
        entry_id="entry",
        issuer=issuer,
        audiences=("api://fuzz",),
        tenant_ids=(TENANT,),
        fleet_home=False,
        keys_url="https://issuer.example/keys",
        discovered=True,
        created_ticks=0,
    )
    for issuer in ("global", "https://issuer.example")
)


def fuzz_claims(data: bytes) -> None:
    """Read the claims of a token of another issuer, as if it were signed."""
    kind, payload = parted(data, 2)
    header = TokenHeader("RS256", "kid", kind.decode("latin-1").lower() or None)
    for entry in _ENTRIES:
        with suppress(*REFUSALS):
            claims = read_external_claims(parse_object(payload), header, entry)
            assert client_id(claims, entry.issuers(claims.tid.lower()).get(claims.iss))
            assert ends_seconds(claims) >= claims.exp
            begins_seconds(claims)


def _certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
    return (
        builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .sign(key, SHA256())
        .public_bytes(Encoding.DER)
    )


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
