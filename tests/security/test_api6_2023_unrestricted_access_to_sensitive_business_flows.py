"""API6:2023, unrestricted access to sensitive business flows: to do in masses what is meant once.

The flows here are deciding about controls (each decision is kept for ever with who made it), asking for tokens, and
batches, by which one request becomes many.
"""

import pytest

from stanchion.access.attempts import FAILURES_PER_CLIENT
from stanchion.access.operator import AppWish, add_app
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.model.json_text import JsonObject
from stanchion.odata.batch import MAX_REQUESTS
from stanchion.settings import Settings
from tests.conftest import MICROSOFT, OPERATOR, TENANT, Api, Serve, control
from tests.web.batching import BATCH, batched, get, patch, statuses

pytestmark = pytest.mark.anyio

CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
TOKENS = f"/{TENANT}/oauth2/v2.0/token"


async def test_a_batch_is_no_more_than_so_many_requests_and_holds_no_other(api: Api) -> None:
    api.add(control())
    whole: list[JsonObject] = [patch(str(n), "NonOwnerAccess") for n in range(MAX_REQUESTS)]
    assert set(statuses(await batched(api, *whole))) == {204}
    before = await api.sequence()
    more = [*whole, patch("one more", "NonOwnerAccess")]
    assert (await api.send("POST", BATCH, json={"requests": more})).status_code == 400
    inner: JsonObject = {"id": "1", "method": "POST", "url": "/$batch", "body": {"requests": [*whole]}}
    for url in (
        "/$batch",
        "/%24batch",
        "/v1.0/$batch",
        "/../v1.0/$batch",
        "http://127.0.0.1:8080/v1.0/$batch",
    ):
        (answer,) = await batched(api, {**inner, "url": url, "headers": {"Content-Type": "application/json"}})
        assert answer["status"] in {400, 404}, answer
    assert await api.sequence() == before


async def test_a_batch_does_not_ask_for_tokens(api: Api) -> None:
    app = add_app(api.store, AppWish(TENANT, "an app"), actor=OPERATOR)
    body = f"grant_type=client_credentials&client_id={app.app.client_id}&client_secret=guess&scope=x/.default"
    for url in (
        f"/../{TENANT}/oauth2/v2.0/token",
        f"http://127.0.0.1:8080/{TENANT}/oauth2/v2.0/token",
        f"/{TENANT}",
    ):
        headers: JsonObject = {"Content-Type": "application/x-www-form-urlencoded"}
        one: JsonObject = {"method": "POST", "url": url, "headers": headers, "body": body}
        answers = await batched(api, *({"id": str(n), **one} for n in range(MAX_REQUESTS)))
        assert set(statuses(answers)) <= {400, 404}
    form = {"grant_type": "client_credentials", "client_id": app.app.client_id, "scope": "x/.default"}
    # None of them counted as a guess, for none was one.
    assert (await api.client.post(TOKENS, data={**form, "client_secret": app.secret})).status_code == 200


async def test_each_request_of_a_batch_counts_against_the_limits_of_its_app(serve: Serve) -> None:
    async with serve(Settings(throttle="graph")) as api:
        answers: list[int] = []
        for _ in range(8):
            answers += statuses(
                await batched(api, *(get(str(n), "/security/secureScores") for n in range(MAX_REQUESTS)))
            )
        assert (answers.count(200), answers.count(429)) == (150, 10)


async def test_a_success_does_not_open_the_way_for_guesses_at_another_client(api: Api) -> None:
    mine, theirs = (add_app(api.store, AppWish(TENANT, name), actor=OPERATOR) for name in ("mine", "theirs"))
    form = {"grant_type": "client_credentials", "scope": "x/.default"}
    guess = {**form, "client_id": theirs.app.client_id, "client_secret": "guess"}
    good = {**form, "client_id": mine.app.client_id, "client_secret": mine.secret}
    seen = []
    for _ in range(FAILURES_PER_CLIENT + 3):
        assert (await api.client.post(TOKENS, data=good)).status_code == 200
        seen.append((await api.client.post(TOKENS, data=guess)).status_code)
    assert seen == [401] * FAILURES_PER_CLIENT + [429] * 3


async def test_a_decision_that_says_nothing_new_is_not_kept_again(api: Api) -> None:
    api.add(control())
    body = {"state": "Ignored", "comment": "why", "vendorInformation": MICROSOFT}
    before = await api.sequence()
    for _ in range(5):
        assert (await api.send("PATCH", CONTROL, json=body)).status_code == 204
    assert await api.sequence() == before + 1


async def test_a_decision_is_made_in_the_name_of_who_asks(api: Api) -> None:
    api.add(control())
    names = {"approver": "ciso@example.com", "assignedBy": "x", "updatedBy": "ciso@example.com"}
    for name, value in names.items():
        body = {"state": "Ignored", "vendorInformation": MICROSOFT, name: value}
        assert (await api.send("PATCH", CONTROL, json=body)).status_code == 400
    stored = await api.stored("NonOwnerAccess", entity_set=CONTROL_PROFILES)
    assert stored is not None
    assert b"ciso" not in stored.body
