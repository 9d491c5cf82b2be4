"""A model version on an endpoint, as a rolling change.

The new deployment answers before any request goes there, and the old one goes after; where one fails, the traffic stays
where it was. What we made bears a tag; what does not is not taken away. Source: Microsoft, "Perform safe rollout of new
deployments for real-time inference". An endpoint is always written whole: a PATCH of Azure's changes its tags alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.endpoints.model import Model
from azmlflow.cli.endpoints.scoring import last_lines, score
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.words import Say
from azmlflow.scoring.asking import Asked

TAG = "azmlflow-deploy"
_KEPT = ("authMode", "description", "properties", "publicNetworkAccess")
_TELL = 15.0  # seconds between two lines of progress


@dataclass(frozen=True)
class Wanted:
    """What is to stand.

    Attributes:
        workspace, location: of the workspace.
        endpoint, deployment: names.
        model: what is served.
        auth: how callers prove who they are: `Key`, `AMLToken` or `AADToken`; of an endpoint that is to be made.
        size, count: of the instances.
        stack: whose tag it bears.
        traffic: whether all requests are to go there.
        keep: the deployments that answered before stay.
    """

    workspace: str
    location: str
    endpoint: str
    deployment: str
    model: Model
    auth: str
    size: str
    count: int
    stack: str
    traffic: bool = True
    keep: bool = False

    @property
    def id(self) -> str:
        """The endpoint's id."""
        return f"{self.workspace}/onlineEndpoints/{self.endpoint}"

    @property
    def deployment_id(self) -> str:
        """The deployment's id."""
        return f"{self.id}/deployments/{self.deployment}"


@dataclass(frozen=True)
class Stands:
    """What came of it.

    Attributes:
        endpoint: its document.
        asked: the sample request that was made; None without a signature.
        answer: what it was answered.
        gone: the deployments that were taken away.
    """

    endpoint: Mapping[str, Any]
    asked: Asked | None
    answer: str
    gone: tuple[str, ...]


def roll_out(arm: ResourceManager, wanted: Wanted, say: Say) -> Stands:
    """Make it stand.

    Raises:
        CliError: it does not; a deployment that was made for it is gone again.
        ArmError: Azure refuses.
    """
    endpoint = arm.get(wanted.id) or _make(arm, wanted, say)
    existed = arm.get(wanted.deployment_id)
    body = _body(wanted, existed)
    say(f"deploying {wanted.model.name}:{wanted.model.version} as {wanted.endpoint}/{wanted.deployment}")
    try:
        arm.put(wanted.deployment_id, body, on_wait=_Progress(arm, wanted.deployment_id, say))
        sample = wanted.model.sample()
        asked = Asked(endpoint, json.dumps(sample).encode(), wanted.deployment) if sample is not None else None
        answer = score(arm, asked) if asked is not None else ""
    except ArmError as fault:
        raise _failed(arm, wanted, existed, f"{fault.code}: {fault.message}", log=True) from fault
    except CliError as fault:
        raise _failed(arm, wanted, existed, f"a sample request fails: {fault.what}", log=False) from fault
    if not wanted.traffic:
        return Stands(endpoint, asked, answer, ())
    before = endpoint["properties"].get("traffic") or {}
    _move(arm, endpoint, wanted.deployment)
    return Stands(arm.get(wanted.id) or endpoint, asked, answer, _take_away(arm, wanted, before, say))


class _Progress:
    """Tells now and then how long it has taken, and what the deployment said last."""

    def __init__(self, arm: ResourceManager, deployment: str, say: Say) -> None:
        self._arm, self._deployment, self._say, self._told = arm, deployment, say, 0.0

    def __call__(self, waited: float) -> None:
        if waited - self._told >= _TELL:
            self._told = waited
            last = last_lines(self._arm, self._deployment).rpartition("\n")[2].strip()
            self._say(f"  {waited:.0f} s{f': {last}' if last else ''}")


def _make(arm: ResourceManager, wanted: Wanted, say: Say) -> Mapping[str, Any]:
    say(f"making endpoint {wanted.endpoint}")
    arm.put(
        wanted.id,
        {
            "location": wanted.location,
            "identity": {"type": "SystemAssigned"},
            "tags": {TAG: wanted.stack},
            "properties": {"authMode": wanted.auth, "traffic": {}},
        },
    )
    made = arm.get(wanted.id)
    if made is None:
        raise CliError("the endpoint was deleted meanwhile", where=wanted.endpoint, next="azmlflow status")
    return made


def _body(wanted: Wanted, existed: Mapping[str, Any] | None) -> dict[str, Any]:
    told = (existed or {}).get("properties") or {}
    kept = {name: told[name] for name in ("requestSettings", "environmentVariables", "description") if name in told}
    return {
        "location": wanted.location,
        "tags": {**((existed or {}).get("tags") or {}), TAG: wanted.stack},
        "sku": {"name": "Default", "capacity": wanted.count},
        "properties": {
            **kept,
            "endpointComputeType": "Managed",
            "model": f"{wanted.workspace}/models/{wanted.model.name}/versions/{wanted.model.version}",
            "instanceType": wanted.size,
        },
    }


def _move(arm: ResourceManager, endpoint: Mapping[str, Any], deployment: str) -> None:
    """Send all requests to a deployment, with everything else of the endpoint as it is."""
    told = endpoint["properties"]
    identity = endpoint.get("identity") or {"type": "None"}
    users: dict[str, Any] = {id_: {} for id_ in identity.get("userAssignedIdentities") or {}}
    mirrored = {
        name: share for name, share in (told.get("mirrorTraffic") or {}).items() if name != deployment and share
    }
    properties = {name: told[name] for name in _KEPT if told.get(name) is not None}
    arm.put(
        str(endpoint["id"]),
        {
            "location": endpoint["location"],
            "tags": endpoint.get("tags") or {},
            "identity": {"type": identity["type"], **({"userAssignedIdentities": users} if users else {})},
            "properties": {**properties, "traffic": {deployment: 100}, "mirrorTraffic": mirrored},
        },
    )


def _take_away(arm: ResourceManager, wanted: Wanted, before: Mapping[str, Any], say: Say) -> tuple[str, ...]:
    gone = []
    for name in before if not wanted.keep else ():
        id_ = f"{wanted.id}/deployments/{name}"
        document = arm.get(id_) if name != wanted.deployment else None
        if document is not None and (document.get("tags") or {}).get(TAG) == wanted.stack:
            say(f"taking {wanted.endpoint}/{name} away")
            arm.delete(id_)
            gone.append(str(name))
    return tuple(gone)


def _failed(
    arm: ResourceManager, wanted: Wanted, existed: Mapping[str, Any] | None, why: str, *, log: bool
) -> CliError:
    """Why it does not stand; what was made for it is gone."""
    said = last_lines(arm, wanted.deployment_id) if log and "log:" not in why else ""
    if existed is None:
        arm.delete(wanted.deployment_id)
    return CliError(
        f"{wanted.model.name}:{wanted.model.version} does not answer: {why}{said}",
        where=f"{wanted.endpoint}/{wanted.deployment}",
        next=f"mend what the log tells of, then azmlflow deploy {wanted.model.name}; the traffic is as it was",
    )
