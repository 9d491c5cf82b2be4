"""Which share of an endpoint's requests each deployment answers, and of which it only sees a copy.

Source: Microsoft, "Deploy and score a machine learning model by using an online endpoint" and "Perform safe rollout of
new deployments": shares add up to 0 or 100; a copy of at most 50 % goes to one deployment, which has no share of the
live requests. The words are inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import whole_number, wrong_type
from azmlflow.resourcetypes.bounds import MOST_MIRRORED

CODE = "BadRequest"


def read(ask: Ask, existing: Document | None) -> tuple[dict[str, int], dict[str, int]]:
    """The live and the mirrored shares that a body asks for.

    Args:
        ask: the request.
        existing: the endpoint as it is, or None.

    Raises:
        AzureError: 400, they cannot be so.
    """
    live, mirrored = _shares(ask, existing, "traffic"), _shares(ask, existing, "mirrorTraffic")
    total = sum(live.values())
    if total not in (0, 100):
        raise bad_request(
            CODE, f"The traffic of an endpoint adds up to 0 or 100 percent, not {total}.", target="traffic"
        )
    copied = {name: share for name, share in mirrored.items() if share}
    if len(copied) > 1:
        raise bad_request(CODE, "Traffic can be mirrored to one deployment only.", target="mirrorTraffic")
    for name, share in copied.items():
        if share > MOST_MIRRORED:
            raise bad_request(
                CODE, f"At most {MOST_MIRRORED} percent of the traffic can be mirrored, not {share}.",
                target="mirrorTraffic",
            )  # fmt: skip
        if live.get(name):
            raise bad_request(
                CODE, f"The deployment '{name}' cannot receive live and mirrored traffic at once.",
                target="mirrorTraffic",
            )  # fmt: skip
    return live, mirrored


def _shares(ask: Ask, existing: Document | None, member: str) -> dict[str, int]:
    given = ask.properties.get(member) or {}
    if not isinstance(given, Mapping):
        raise wrong_type(member, given, "object")
    before = ((existing or {}).get("properties") or {}).get(member) or {}
    found: dict[str, int] = {}
    for name, value in given.items():
        share = whole_number(f"{member}.{name}", value, 0, 100, CODE)
        found[_named(ask, member, str(name), kept=share <= before.get(str(name), -1))] = share
    return found


def _named(ask: Ask, member: str, name: str, *, kept: bool) -> str:
    """A deployment's name as it was made.

    Args:
        ask: the request.
        member: where it stands.
        name: as the body has it.
        kept: whether it already has as much traffic: then it may have failed since.
    """
    there = find.resource(ask.cloud, f"{ask.target.id}/deployments/{name}")
    state = there["properties"].get("provisioningState") if there is not None else None
    if there is None or state == "Deleting":
        raise bad_request(CODE, f"The deployment '{name}' that '{member}' names was not found.", target=member)
    if state not in ("Succeeded", "Updating") and not kept:
        raise bad_request(
            CODE, f"The deployment '{name}' is in the state {state}: it can have no traffic.", target=member
        )
    return str(there["name"])


def weight(endpoint: Document, deployment: str) -> int:
    """The percent of an endpoint's requests, live or copied, that a deployment has."""
    told: Any = endpoint["properties"]
    return int(told["traffic"].get(deployment, 0) or told["mirrorTraffic"].get(deployment, 0))


def forget(cloud: Cloud, deployment: Document) -> None:
    """Take a deployment that is gone out of its endpoint's shares, in which it has none."""
    endpoint = find.resource(cloud, deployment["id"].rpartition("/deployments/")[0])
    if endpoint is None:
        return
    for member in ("traffic", "mirrorTraffic"):
        endpoint["properties"][member].pop(deployment["name"], None)
    find.keep(cloud, endpoint)
