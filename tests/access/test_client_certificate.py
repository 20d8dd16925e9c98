"""Certificates of clients: which keys they may be for, how many an app has, and what is recorded of them."""

import datetime as dt
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from stanchion.access.certificate_administration import MAX_CERTIFICATES
from stanchion.access.client_certificate import read_certificate, read_certificate_file
from stanchion.access.operator import revoke_app, revoke_tokens
from stanchion.access.operator_certificate import add_certificate, remove_certificate
from stanchion.errors import BadRequest, Conflict, NotFound
from tests.access.signers import PrivateKey, Signer, p_256
from tests.access.test_operator import operations
from tests.access.workbench import NOW, OPERATOR, TENANT, Bench

MOMENT = dt.datetime.fromtimestamp(NOW, dt.UTC)


@pytest.mark.parametrize(
    "make",
    [
        lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 (which is what it is for)
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate,
    ],
)
def test_a_key_of_another_kind_is_refused(make: Callable[[], PrivateKey]) -> None:
    with pytest.raises(BadRequest, match="RSA of 2048 to 8192 bits, or on the curve P-256"):
        read_certificate_file(Signer(make).certificate_pem, now=MOMENT)


def test_a_name_with_controls_is_shown_escaped() -> None:
    certificate = Signer(p_256, name="a\x1b[31m\nb").certificate
    assert certificate.subject == r"CN=a\x1b[31m\nb"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09"),  # no such version
        (b"\x03\x42\x00\x04", b"\x03\x42\x00\x09"),  # no point of the curve
        (b"\x17\x0d2", b"\x17\x0dx"),  # no date
    ],
)
def test_a_damaged_certificate_is_refused(good: bytes, bad: bytes) -> None:
    whole = Signer(p_256).certificate.der
    damaged = whole.replace(good, bad)
    assert damaged != whole
    with pytest.raises(BadRequest, match="no certificate in PEM or DER that can be read"):
        read_certificate_file(damaged, now=MOMENT)


def test_of_a_chain_the_first_is_taken() -> None:
    signers = Signer(p_256), Signer(p_256)
    chain = b"".join(signer.certificate_pem for signer in signers)
    assert read_certificate_file(chain, now=MOMENT).der == signers[0].certificate.der


def test_a_certificate_covers_the_moments_between_its_dates() -> None:
    certificate = read_certificate_file(Signer(p_256, days=2).certificate_pem, now=MOMENT)
    day = dt.timedelta(days=1)
    second = dt.timedelta(seconds=1)
    covered = [certificate.covers(MOMENT + each) for each in (-day - second, -day, day, day + second)]
    assert covered == [False, True, True, False]


def test_a_certificate_of_tomorrow_may_be_added_today() -> None:
    tomorrow = Signer(p_256, moment=MOMENT + dt.timedelta(days=2))
    assert not read_certificate_file(tomorrow.certificate_pem, now=MOMENT).covers(MOMENT)


def test_an_app_has_so_many_certificates_and_no_more(bench: Bench) -> None:
    signers = [Signer(p_256) for _ in range(MAX_CERTIFICATES + 1)]
    app = [signer.added_to(bench) for signer in signers[:-1]][-1]
    assert len(app.certificates) == MAX_CERTIFICATES
    with pytest.raises(Conflict, match="stanchion app certificate remove"):
        signers[-1].added_to(bench)
    assert [read_certificate(kept.certificate) for kept in app.certificates] == [
        signer.certificate for signer in signers[:-1]
    ]


def test_each_act_is_recorded_in_the_tenant(bench: Bench) -> None:
    certificate = Signer(p_256).certificate
    before = len(operations(bench, TENANT))
    for _ in range(2):
        add_certificate(bench.store, bench.client_id, certificate=certificate, actor=OPERATOR)
    remove_certificate(bench.store, bench.client_id, thumbprint=certificate.thumbprint, actor=OPERATOR)
    revoke_tokens(bench.store, bench.client_id, actor=OPERATOR)
    recorded = operations(bench, TENANT)[before:]
    assert recorded == [
        ("app.certificate.add", "operator:tester"),
        ("app.certificate.remove", "operator:tester"),
        ("app.tokens.revoke", "operator:tester"),
    ]


def test_a_revoked_app_gets_no_certificate(bench: Bench) -> None:
    revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    with pytest.raises(NotFound, match="revoked"):
        Signer(p_256).added_to(bench)
