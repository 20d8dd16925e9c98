"""What a client finds after the kill that it knew the store before: delta links lead on, ETags say what is true."""

import random
from dataclasses import dataclass
from typing import Any

import httpx

from stanchion.model.json_text import JsonObject
from tests.crash.database import Database
from tests.crash.ledger import shown
from tests.crash.operations import CONTROLS_PATH, USERS_PATH
from tests.serving.place import MICROSOFT, control_id

_SETS = (CONTROLS_PATH, USERS_PATH)
_ETAGS_READ = 20


@dataclass(frozen=True)
class Replica:
    """What a client of delta holds of each set, and where it will go on."""

    entities: dict[str, dict[str, JsonObject]]
    links: dict[str, str]


def replicate(client: httpx.Client) -> Replica:
    """Make a replica of all sets."""
    replica = Replica({path: {} for path in _SETS}, {path: f"{path}/delta" for path in _SETS})
    advance(replica, client)
    return replica


def advance(replica: Replica, client: httpx.Client) -> None:
    """Bring a replica up to date."""
    for path, held in replica.entities.items():
        link: str | None = replica.links[path]
        while link is not None:
            page = _get(client, link)
            for entity in page["value"]:
                if "@removed" in entity:
                    held.pop(entity["id"], None)
                else:
                    held[entity["id"]] = entity
            link = page.get("@odata.nextLink")
            replica.links[path] = page.get("@odata.deltaLink") or page["@odata.nextLink"]


def astray(replica: Replica, client: httpx.Client) -> list[str]:
    """Bring a replica up to date and tell in which entities it differs from the lists."""
    advance(replica, client)
    wrong = []
    for path, held in replica.entities.items():
        listed = _listed(client, path)
        wrong += [f"delta lost {id}" for id in listed.keys() - held.keys()]
        wrong += [f"delta still has {id}" for id in held.keys() - listed.keys()]
        wrong += [
            f"delta has {id} as it is not" for id in listed.keys() & held.keys() if listed[id] != held[id]
        ]
    return wrong[:5]


def wrong_etags(client: httpx.Client, database: Database, *, since: int) -> list[str]:
    """Tell of those entities that later changes wrote, some of them, whose ETag is not their version."""
    entities = [(id, each) for id, each in shown(database, since=since).items() if each.mark is not None]
    wrong = []
    for id, each in random.sample(entities, min(_ETAGS_READ, len(entities))):
        path = f"{CONTROLS_PATH if id.startswith(control_id(0)[:8]) else USERS_PATH}/{id}"
        tag = client.get(path).headers["ETag"]
        if not tag.endswith(f'-{each.version}"'):
            wrong.append(f"{id} has the ETag {tag}, its version is {each.version}")
        if client.get(path, headers={"If-None-Match": tag}).status_code != 304:
            wrong.append(f"{id} is told anew to who has {tag}")
        stale = tag.replace(f"-{each.version}", f"-{each.version - 1}")
        body: JsonObject = {"displayName": "nobody"}
        if path.startswith(CONTROLS_PATH):
            body = {"comment": "nobody", "vendorInformation": MICROSOFT}
        if client.patch(path, headers={"If-Match": stale}, json=body).status_code != 412:
            wrong.append(f"{id} may be written by who has {stale}")
    return wrong


def _listed(client: httpx.Client, path: str) -> dict[str, JsonObject]:
    found: dict[str, JsonObject] = {}
    link: str | None = path
    while link is not None:
        page = _get(client, link)
        found |= {entity["id"]: entity for entity in page["value"]}
        link = page.get("@odata.nextLink")
    return found


def _get(client: httpx.Client, link: str) -> dict[str, Any]:
    # The server may have come back at another port.
    answer = client.get(_without_origin(link))
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def _without_origin(link: str) -> str:
    return link if link.startswith("/") else "/" + link.split("/", 3)[3]
