"""What tests of commands ask of a store and do to it besides."""

import asyncio

from stanchion.ledger.commands import DecideControl
from stanchion.ledger.decisions import parse_request
from stanchion.model.json_text import JsonObject
from tests.cli.conftest import Run
from tests.cli.invoking import printed
from tests.serving.place import MICROSOFT, OPERATOR, TENANT, Place, control_id


def changes(run: Run) -> int:
    """Return how many changes the tenant has."""
    found: int = printed(run("verify", "--tenant", TENANT, "--json"))["changes"]
    return found


def decide(place: Place, number: int, **body: str) -> None:
    """Decide about a control as the API does."""
    asked: JsonObject = {**body, "vendorInformation": MICROSOFT}
    command = DecideControl(
        tenant_id=TENANT,
        command_id=f"{number}-{body['comment']}",
        actor=OPERATOR,
        control_id=control_id(number),
        request=parse_request(asked, root="v1.0"),
    )
    with place.opened() as store:
        asyncio.run(store.submit(command))
