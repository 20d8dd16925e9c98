"""Key sets: which keys of an issuer can verify, and which sets are none."""

import json

import pytest

from stanchion.access.clouds import CLOUDS
from stanchion.access.issuer_document import IssuerFault
from stanchion.access.key_set import KeyId, read_key_set
from stanchion.model.json_text import JsonObject
from tests.access.outside import KEYS_URL, elliptic, key_set, published, rsa
from tests.access.workbench import OTHER_TENANT, TENANT

GOOD = published(rsa("good"))
EC = published(elliptic("ec"))


def ids(*keys: JsonObject) -> list[str]:
    """Return the ids of the keys that can be used beside a good one."""
    found = read_key_set(key_set(GOOD, *keys), of=KEYS_URL)
    return [key_id.kid for key_id in found if key_id.kid != "good"]


def test_a_key_is_for_one_algorithm() -> None:
    assert set(read_key_set(key_set(GOOD, EC), of=KEYS_URL)) == {
        KeyId("good", "RS256"),
        KeyId("ec", "ES256"),
    }


@pytest.mark.parametrize(
    "key",
    [
        published(rsa("x")),
        published(rsa("x"), use=..., alg="RS256"),
        published(rsa("x"), use=..., key_ops=["verify"]),
        published(rsa("x"), x5c=["AAAA"], x5t="a", x5u="https://keys.example/", unknown={}),
        published(elliptic("x"), alg="ES256"),
    ],
)
def test_a_key_that_can_be_used_is_used(key: JsonObject) -> None:
    assert ids(key) == ["x"]


@pytest.mark.parametrize(
    "key",
    [
        published(rsa("x"), kid=...),
        published(rsa("x"), kid=7),
        published(rsa("x"), use="enc"),
        published(rsa("x"), use=["sig"]),
        published(rsa("x"), alg="RS512"),
        published(rsa("x"), alg="PS256"),
        published(rsa("x"), alg=["RS256"]),
        published(rsa("x"), key_ops=["encrypt"]),
        published(rsa("x"), key_ops="verify"),
        published(rsa("x"), n=...),
        published(rsa("x"), n=7),
        published(rsa("x"), n="%"),
        published(rsa("x"), n="AA"),
        published(rsa("x"), e="AQ"),
        published(rsa("x"), e="AQAA"),
        published(rsa("x"), e="__________8"),
        published(rsa("x"), n="gAAA" * 500),
        published(rsa("x"), d="AQAB"),
        published(rsa("x"), issuer=7),
        published(rsa("x", bits=1024), kid="x"),
        published(elliptic("x"), x="AAAA"),
        published(elliptic("x"), y=...),
        published(elliptic("x"), crv="P-384"),
        published(elliptic("x", curve="P-384")),
        published(elliptic("x"), alg="RS256"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "x", "alg": "HS256"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "x"},
        {"kid": "x"},
    ],
)
def test_a_key_that_is_weak_odd_or_for_something_else_is_left_out(key: JsonObject) -> None:
    assert ids(key) == []


def test_two_keys_of_one_id_are_none_and_the_same_key_twice_is_one() -> None:
    assert ids(published(rsa("x")), published(rsa("y"), kid="x")) == []
    assert ids(published(rsa("x")), published(rsa("x"))) == ["x"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a JSON object"),
        (b"<html>", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'{"keys": [], "keys": []}', "not a JSON object"),
        (b"{}", "list of keys"),
        (b'{"keys": {}}', "list of keys"),
        (b'{"keys": []}', "no key that can be used"),
        (b'{"keys": [7, null, "a"]}', "no key that can be used"),
        (json.dumps({"keys": [{}] * 201}).encode(), "201 keys"),
        (json.dumps({"keys": [0] * 20_001}).encode(), "more than 20,000 values"),
        (json.dumps({"keys": [{**EC, "x": "A" * 10_000}]}).encode(), "no key that can be used"),
    ],
)
def test_what_is_no_set_of_keys_is_a_fault_that_names_the_address(data: bytes, says: str) -> None:
    with pytest.raises(IssuerFault, match=says) as caught:
        read_key_set(data, of=KEYS_URL)
    assert str(caught.value).startswith(KEYS_URL)


def test_a_key_of_entra_signs_for_the_issuer_that_it_names() -> None:
    template = "https://login.microsoftonline.com/{tenantid}/v2.0"
    personal = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
    keys = read_key_set(
        key_set(
            published(rsa("all"), issuer=template),
            published(rsa("personal"), issuer=personal),
            published(rsa("one"), issuer=template.replace("{tenantid}", TENANT)),
            published(rsa("unlabelled")),
        ),
        of=KEYS_URL,
    )
    signs = {
        tenant: [
            id.kid for id, key in keys.items() if key.signs_for(tenant, CLOUDS["global"].issuers(tenant))
        ]
        for tenant in (TENANT, OTHER_TENANT)
    }
    assert signs == {TENANT: ["all", "one", "unlabelled"], OTHER_TENANT: ["all", "unlabelled"]}
