"""The log of a serving process: one line an event, and never a token."""

import json
import re

from tests.serving.place import TENANT, Place, control_id
from tests.serving.process import Server, running


def test_every_line_is_json_with_the_request_and_tenant_and_none_has_a_token(place: Place) -> None:
    with running(place, "--log-level", "debug", "--log-format", "json") as server:
        request_ids = use(server, place)
        server.stop()
    lines = [json.loads(line) for line in server.log.splitlines()]

    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    by_request = {line["request_id"]: line for line in lines if line["logger"] == "stanchion.request"}
    assert request_ids <= set(by_request)
    assert {by_request[request_id].get("tenant") for request_id in request_ids} == {TENANT, None}
    for unsaid in secrets_of(place):
        assert unsaid not in server.log


def test_the_human_form_has_no_token_either_and_no_caller_writes_lines_of_its_own(place: Place) -> None:
    with running(place, "--log-format", "human") as server:
        use(server, place)
        server.stop()

    for unsaid in secrets_of(place):
        assert unsaid not in server.log
    assert "GET /v1.0/security/secureScores 200" in server.log
    assert re.search(r"Settings other than the defaults: .*; log_format = human$", server.log, re.MULTILINE)
    assert re.findall(r"^forged", server.log, re.MULTILINE) == []


def test_refused_access_is_logged_with_its_reason(place: Place) -> None:
    with running(place) as server, server.client(place.reading_token) as client:
        refused = client.patch(
            f"/v1.0/security/secureScoreControlProfiles/{control_id(0)}", json={"comment": "x"}
        )
        lines = [json.loads(line) for line in server.log.splitlines()]

    assert refused.status_code == 403
    (warning,) = [line for line in lines if line["level"] == "warning"]
    assert warning["status"] == 403
    assert warning["tenant"] == TENANT
    assert warning["request_id"] == refused.headers["request-id"]
    assert "SecurityEvents.ReadWrite.All" in warning["message"]


def use(server: Server, place: Place) -> set[str]:
    """Send requests good and bad; return their ids."""
    form = {
        "grant_type": "client_credentials",
        "client_id": place.client_id,
        "client_secret": place.secret,
        "scope": "https://graph.microsoft.com/.default",
    }
    with server.client(place.token) as client:
        issued = client.post(f"/{TENANT}/oauth2/v2.0/token", data=form)
        assert issued.status_code == 200
        token = issued.json()["access_token"]
        answers = [
            client.get("/v1.0/security/secureScores"),
            client.get("/v1.0/security/secureScores", headers={"Authorization": f"Bearer {token}"}),
            client.get("/v1.0/security/secureScores", headers={"Authorization": f"Bearer {token}x"}),
            client.get("/v1.0/security/x%0Aforged%0D%0Aforged", headers={"client-request-id": "a\tb"}),
            client.get(f"/v1.0/security/secureScores?access_token={place.token}"),
            client.post(f"/{TENANT}/oauth2/v2.0/token", data={**form, "client_secret": f"{place.secret}x"}),
        ]
        assert token not in server.log
    return {answer.headers["request-id"] for answer in answers}


def secrets_of(place: Place) -> tuple[str, ...]:
    """Return what must not be seen, the signatures of tokens by themselves too."""
    tokens = (place.token, place.reading_token)
    return (place.secret, *tokens, *(token.rpartition(".")[2] for token in tokens))
