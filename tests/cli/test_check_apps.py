"""`stanchion check` of the certificates by which apps sign in."""

import datetime as dt

import pytest

from stanchion.access.operator import revoke_app
from stanchion.access.operator_certificate import add_certificate
from tests.access.signers import Signer, p_256
from tests.cli.checking import Line, amiss, check
from tests.serving.place import OPERATOR, Place

NOW = dt.datetime.now(dt.UTC)
LONG = Signer(p_256, moment=NOW, days=90)


def given(place: Place, *signers: Signer, revoked: bool = False) -> None:
    """Give the app of a place certificates, and maybe revoke it."""
    with place.opened() as store:
        for signer in signers:
            add_certificate(store, place.client_id, certificate=signer.certificate, actor=OPERATOR)
        if revoked:
            revoke_app(store, place.client_id, actor=OPERATOR)


def about_apps(place: Place) -> list[Line]:
    return [line for line in check(place)[1] if line.check == "apps"]


@pytest.mark.parametrize(
    ("signer", "said"),
    [
        (Signer(p_256, moment=NOW, days=30), "expires on"),
        (Signer(p_256, moment=NOW - dt.timedelta(days=60)), "expired on"),
    ],
)
def test_a_certificate_that_does_not_last_is_a_warning_about_its_app(
    place: Place, signer: Signer, said: str
) -> None:
    given(place, LONG, signer)
    (line,) = about_apps(place)
    assert (line.status, line.subject) == ("warning", place.client_id)
    assert line.finding.startswith(
        f"The certificate {signer.certificate.thumbprint[:8]}... (CN=a client) {said}"
    )


def test_certificates_that_last_are_well(place: Place) -> None:
    given(place, LONG, Signer(p_256, moment=NOW + dt.timedelta(days=9), days=60))
    _, lines = check(place)
    assert amiss(lines) == []
    assert [line.finding for line in lines if line.check == "apps"] == [
        "Their certificates are valid for 30 days and more: 2."
    ]


def test_the_certificates_of_a_revoked_app_do_not_matter(place: Place) -> None:
    given(place, Signer(p_256, moment=NOW, days=2), revoked=True)
    assert [line.finding for line in about_apps(place)] == ["None signs in by a certificate."]
