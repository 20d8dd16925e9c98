"""python-odata, a client for any OData service, which makes its classes from our $metadata."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import requests
from azure.identity import ClientSecretCredential
from odata import ODataService
from odata.exceptions import ODataError

from tests.clients.estate import CATEGORIES, USERS, all_control_ids, user_id
from tests.serving.place import TENANT, Place, control_id, score_id
from tests.serving.process import Server

pytestmark = pytest.mark.clients
SCOPE = "https://graph.microsoft.com/.default"


@pytest.fixture
def session(secured: Server, shared_place: Place) -> Iterator[requests.Session]:
    """A session with a token, as the documentation of the client has it."""
    with (
        ClientSecretCredential(
            TENANT,
            shared_place.client_id,
            shared_place.secret,
            authority=secured.origin,
            disable_instance_discovery=True,
        ) as credential,
        requests.Session() as session,
    ):
        session.headers["Authorization"] = f"Bearer {credential.get_token(SCOPE).token}"
        yield session


def service_at(address: str, session: requests.Session) -> SimpleNamespace:
    """Return the service with a class for each of our sets, which hang below the singleton `security`."""
    service = ODataService(address, session=session, reflect_entities=True, quiet_progress=True)
    found = SimpleNamespace(service=service)
    for name, type_name in (
        ("secureScores", "secureScore"),
        ("secureScoreControlProfiles", "secureScoreControlProfile"),
        ("userSecurityProfiles", "userSecurityProfile"),
    ):
        made = service.types.get(f"microsoft.graph.{type_name}")
        if made is not None:
            made.__odata_collection__ = f"security/{name}"
            setattr(found, name, made)
    return found


@pytest.fixture
def v1(secured: Server, session: requests.Session) -> SimpleNamespace:
    return service_at(f"{secured.origin}/v1.0/", session)


@pytest.fixture
def beta(secured: Server, session: requests.Session) -> SimpleNamespace:
    return service_at(f"{secured.origin}/beta/", session)


def ids(entities: object) -> list[str]:
    return [entity.id for entity in entities]  # type: ignore[attr-defined] # Whatever a query gives.


def test_it_makes_its_classes_from_our_metadata(v1: SimpleNamespace, beta: SimpleNamespace) -> None:
    assert "security" in v1.service.entities
    assert not hasattr(v1, "userSecurityProfiles")
    assert hasattr(beta, "userSecurityProfiles")
    properties = {prop["name"] for prop in v1.secureScoreControlProfiles.__odata_schema__["properties"]}
    assert {"title", "controlCategory", "vendorInformation", "threats"} <= properties


def test_it_lists_every_page(v1: SimpleNamespace) -> None:
    assert ids(v1.service.query(v1.secureScores)) == [score_id(day) for day in range(12, 0, -1)]
    assert ids(v1.service.query(v1.secureScoreControlProfiles)) == all_control_ids()


def test_it_filters_orders_and_limits(v1: SimpleNamespace) -> None:
    control = v1.secureScoreControlProfiles
    query = v1.service.query(control)
    query = query.filter((control.rank > 10) & (control.controlCategory == CATEGORIES[0]))
    query = query.order_by(control.rank.desc()).limit(3)

    assert ids(query.all())[:3] == [control_id(number) for number in (196, 192, 188)]


def test_it_filters_by_text(v1: SimpleNamespace) -> None:
    control = v1.secureScoreControlProfiles
    query = v1.service.query(control).filter(control.id.startswith("control-01"))
    query = query.filter(control.title.contains("le 12"))

    assert ids(query) == [control_id(12)]


def test_it_selects(v1: SimpleNamespace) -> None:
    score = v1.secureScores
    (found,) = v1.service.query(score).filter(score.id == score_id(4)).select(score.id, score.createdDateTime)

    assert (found["id"], sorted(found)) == (score_id(4), ["createdDateTime", "id"])


def test_it_counts(v1: SimpleNamespace) -> None:
    score = v1.secureScores

    assert v1.service.query(score).filter(score.createdDateTime != None).count() == 12  # noqa: E711 # The client's way.


def test_it_gets_by_the_key(v1: SimpleNamespace) -> None:
    found = v1.service.query(v1.secureScoreControlProfiles).get(control_id(7))

    assert (found.id, found.title, found.rank) == (control_id(7), "Title 7", 8)


def test_it_filters_by_a_nested_path_and_by_any(v1: SimpleNamespace) -> None:
    clause = (
        "vendorInformation/provider eq 'SecureScore' and threats/any(t:t eq 'Account breach') and rank lt 5"
    )
    found = v1.service.query(v1.secureScoreControlProfiles).raw({"$filter": clause})

    assert [each["id"] for each in found] == [control_id(0), control_id(3)]


def test_it_reads_what_only_beta_has(beta: SimpleNamespace) -> None:
    assert ids(beta.service.query(beta.userSecurityProfiles)) == [user_id(number) for number in range(USERS)]


def test_what_it_asks_wrongly_reaches_its_user_with_code_and_message(v1: SimpleNamespace) -> None:
    with pytest.raises(ODataError) as raised:
        v1.service.query(v1.secureScores).raw({"$filter": "noSuchProperty eq 1"})

    assert (raised.value.status_code, raised.value.code) == ("HTTP 400", "BadRequest")
    assert "noSuchProperty" in raised.value.message
