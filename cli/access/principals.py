"""Who gets a grant, from what people type: a name, an id, an Azure resource, a compute.

NAME | mail | application id | object id      the directory is asked
/subscriptions/...                            a managed identity, or a resource with one of its own
compute/NAME                                  the identity of a compute of this workspace
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session.collaborators import Collaborators, Person
from azmlflow.infra.plan.identifiers import Place
from azmlflow.rbac import scopes
from azmlflow.resourcetypes import table

COMPUTE = "compute/"
_NEARLY_A_GUID = re.compile(r"\{?[0-9a-fA-F-]{28,40}\}?")


def resolve(ports: Collaborators, place: Place, text: str, kind: str | None) -> Person:
    """Who is meant.

    Args:
        ports: the directory, and ARM.
        place: the workspace, for its computes.
        text: as typed.
        kind: the type, if it is said; with an object id the directory is dispensable then.

    Raises:
        CliError: an id is malformed, or the resource has no identity.
        Typed errors of `azmlflow.rbac.live.errors`: nobody is called so, several are, the directory may not be read.
    """
    text = text.strip()
    if text.lower().startswith(COMPUTE):
        name = text[len(COMPUTE) :]
        return _of_resource(ports.open_arm(), f"{place.workspace_id}/computes/{name}", text)
    if text.startswith("/"):
        return _of_resource(ports.open_arm(), text, text)
    if _NEARLY_A_GUID.fullmatch(text) and not scopes.is_guid(text):
        raise CliError(
            f"`{text}` is not an object id: a GUID has 8-4-4-4-12 hexadecimal digits",
            next="azmlflow grant --help    (a name or mail address does as well)",
        )
    return ports.find_person(text, kind)


def _of_resource(arm: ResourceManager, id_: str, text: str) -> Person:
    try:
        kind = table.find(scopes.parse(id_).type or "")
    except scopes.InvalidScope as fault:
        raise CliError(
            f"`{text}` is not an ARM id: {fault}", next="az resource list --query '[].id' --output tsv"
        ) from fault
    if kind is None or not kind.identity:
        raise CliError(
            f"`{text}` is not a managed identity, workspace or compute",
            next="az identity list --query '[].id' --output tsv; or give the object id of its service principal",
        )
    document = arm.get(id_)
    if document is None:
        known = (
            "azmlflow get clusters"
            if text.lower().startswith(COMPUTE)
            else "az identity list --query '[].id' --output tsv"
        )
        raise CliError(f"`{text}` does not exist", where=id_, next=known)
    own = document.get(kind.identity) or {}
    principal = str(own.get("principalId") or "").lower() or _used(own, text, id_)
    return Person(principal, "ServicePrincipal", "/".join(scopes.parse(id_).id.rsplit("/", 2)[-2:]))


def _used(own: Mapping[str, Any], text: str, id_: str) -> str:
    """The object id of the one user-assigned identity that a resource without an identity of its own uses.

    Raises:
        CliError: it uses none, or several: then it is not known which of them will ask.
    """
    used: Mapping[str, Mapping[str, Any]] = own.get("userAssignedIdentities") or {}
    if len(used) > 1:
        raise CliError(
            f"`{text}` uses {len(used)} identities: {', '.join(sorted(used))}",
            where=id_,
            next=f"azmlflow grant {min(used)} PERSONA    (one of them)",
        )
    object_ids = [str(each.get("principalId") or "").lower() for each in used.values()]
    if not any(object_ids):
        given = "give it a system-assigned identity, or a user-assigned one"
        if text.lower().startswith(COMPUTE):
            given = "azmlflow set 'clusters[0].identity' system, then azmlflow up    (for the first cluster)"
        raise CliError(f"`{text}` has no identity", where=id_, next=given)
    return object_ids[0]
