"""An online endpoint's traffic beside the template that gave it: people move it elsewhere, by hand or by a release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.cli.pulumi.deployment import Resource
from azmlflow.infra.plan.serving import ENDPOINT, written
from azmlflow.rbac import scopes

_SHARES = ("traffic", "mirrorTraffic")


def endpoint(template: Resource) -> str:
    """The name of the endpoint that a template's deployment writes; empty if it writes something else."""
    found = written(template.inputs)
    return found[0].partition("/")[2] if found else ""


def endpoint_id(template: Resource) -> str:
    """The ARM id of that endpoint."""
    (workspace, name), place = str((written(template.inputs) or ("/", {}))[0]).split("/"), scopes.parse(template.id)
    return scopes.resource_id(place.subscription or "", place.resource_group or "", ENDPOINT, workspace, name)


def stands(template: Resource, document: Mapping[str, Any]) -> bool:
    """Whether an endpoint has the traffic, and the way to prove who calls, that a template gave it."""
    _, wanted = written(template.inputs) or ("", {})
    now = document.get("properties") or {}
    same = all(_shares(wanted.get(each)) == _shares(now.get(each)) for each in _SHARES)
    return same and str(now.get("authMode")).lower() == str(wanted.get("authMode")).lower()


def _shares(told: Any) -> Mapping[str, int]:
    """Without those of nothing, which Azure leaves out or not."""
    return {str(name).lower(): int(share) for name, share in (told or {}).items() if share}
