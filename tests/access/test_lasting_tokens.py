"""The tests' own tokens: those of a store that was made long ago are good still."""

import time

import msgspec
import pytest

from stanchion.access.issuer import sign
from stanchion.access.operator import signing_key
from stanchion.app import key_file
from tests.conftest import OPERATOR, Api
from tests.lasting_tokens import LastingTokens, claims_of

CONTROLS = "/v1.0/security/secureScoreControlProfiles"
pytestmark = pytest.mark.anyio


async def test_a_token_that_grew_old_is_signed_anew(api: Api) -> None:
    key = signing_key(api.store, key_file=key_file(api.settings), actor=OPERATOR)
    claims = claims_of(api.token())
    made = int(time.time()) - 7200
    old = sign(msgspec.structs.replace(claims, iat=made, nbf=made, exp=made + 3600), key)
    tokens = LastingTokens({"old": old}, key=key)

    assert (await api.send("GET", CONTROLS, token=old)).status_code == 401
    assert (await api.send("GET", CONTROLS, token=tokens["old"])).status_code == 200
    assert claims_of(tokens["old"]).appid == claims.appid


async def test_a_token_that_is_new_stays_as_it_is(api: Api) -> None:
    key = signing_key(api.store, key_file=key_file(api.settings), actor=OPERATOR)

    assert LastingTokens({"new": api.token()}, key=key)["new"] == api.token()
