"""Which api-versions Resource Manager takes for a resource type, and how it refuses others.

The lists are Azure's (`data/api-versions.json`). Microsoft documents the codes, not the words; these are the words that
Azure gave to people who reported them:

    no version at all                   400 MissingApiVersionParameter (Azure/azure-dev issue 3914)
    at what Resource Manager answers    400 InvalidApiVersionParameter, with its own versions (Azure/bicep issue 17091,
    itself                              Azure/azure-cli issue 31964)
    at a type, the place being known    400 NoRegisteredProviderFound, with versions and places: of a resource
                                        (Azure/azure-rest-api-specs issue 22203), below one (microsoft/
                                        vscode-tools-for-ai issue 940), in `locations/...` (Azure/azure-sdk-for-net
                                        issue 23760)
    at a type, no place being known     404 InvalidResourceType, with versions: lists of a group or subscription
                                        (openshift/installer pull 6992, Azure/azure-xplat-cli issue 2864), types without
                                        a location such as roleAssignments (Azure/acs-engine issue 4037)

A version that is only half a date is refused as any that is not listed (Azure/azure-sdk-for-go issue 358). What is no
date at all is taken to be refused by Resource Manager itself, whatever the path. Where a resource is, nobody is told
who may not read it. `/metadata/endpoints` takes any version: nobody publishes which it has.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from azmlflow.localazure.core.constants import REGIONS
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.kinds import BY_TYPE
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import region
from azmlflow.localazure.resources.paths import GROUP_TYPE, Target

_FILE = Path(__file__).parent.parent / "data" / "api-versions.json"
_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?(-[a-z]+)?", re.IGNORECASE)
# POST actions on a provider that Resource Manager does itself.
_OWN_ACTIONS = ("register", "unregister")


def required(version: str | None) -> str:
    """The request's api-version.

    Raises:
        AzureError: 400 `MissingApiVersionParameter`; 400 `InvalidApiVersionParameter`, it is not a date.
    """
    if not version:
        raise bad_request(
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if _DATE.fullmatch(version) is None:
        raise _invalid(version)
    return version


def check(ask: Ask, method: str) -> None:
    """Let a request pass whose api-version Azure lists; a type that is listed nowhere is left to who looks for it.

    Raises:
        AzureError: 400 `InvalidApiVersionParameter`, `NoRegisteredProviderFound`; 404 `InvalidResourceType`.
    """
    asked = _type_asked(ask.target)
    if asked is None:
        if ask.api_version.lower() not in _own():
            raise _invalid(ask.api_version)
        return
    taken = listed(asked) or _of_operations(ask.target)
    if taken and ask.api_version.lower() not in taken:
        raise _refusal(ask, method, asked, taken)


def listed(name: str) -> tuple[str, ...]:
    """The versions of a type, in any case, as Azure lists them; none for a type that is not listed."""
    return _lists().get(name.lower(), ("", ()))[1]


def types_of(namespace: str) -> tuple[str, ...]:
    """The listed types of a provider, in Azure's spelling."""
    return tuple(name for name, _ in _lists().values() if name.partition("/")[0].lower() == namespace.lower())


def spelt(name: str) -> str:
    """Azure's spelling of a namespace or a type in any case; of what it does not have, as it is."""
    return _spellings().get(name.lower(), name)


def of_vaults() -> tuple[str, ...]:
    """The versions of Key Vault's data plane, the newest last."""
    return tuple(_data()["vaults"]["versions"])


@functools.cache
def _data() -> Mapping[str, Any]:
    read: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return MappingProxyType(read)


@functools.cache
def _lists() -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """By lower-case name: the type in Azure's spelling, and its versions."""
    data = _data()
    groups = (data["resourceManager"], *data["types"])
    return MappingProxyType(
        {name.lower(): (name, tuple(group["versions"])) for group in groups for name in group["types"]}
    )


@functools.cache
def _spellings() -> Mapping[str, str]:
    types = (*(name for name, _ in _lists().values()), *(kind.type for kind in BY_TYPE.values()))
    parents = ("/".join(name.split("/")[:count]) for name in types for count in range(1, name.count("/") + 2))
    return MappingProxyType({name.lower(): name for name in (*parents, *types)})


def _own() -> tuple[str, ...]:
    """The versions of what Resource Manager answers itself."""
    return listed(GROUP_TYPE)


def _type_asked(target: Target) -> str | None:
    """The type whose versions a request is held to; None for what Resource Manager answers itself."""
    if target.namespace is None or target.type.lower() == GROUP_TYPE.lower():
        return None
    if target.types:
        return target.type
    action = target.action
    return f"{target.namespace}/{action}" if action is not None and action.lower() not in _OWN_ACTIONS else None


def _of_operations(target: Target) -> tuple[str, ...]:
    """Those of all types of the provider, for the outcome of an operation: it was asked for in one of them."""
    if len(target.types) < 2 or target.types[0].lower() != "locations":
        return ()
    every = (version for name in types_of(target.namespace or "") for version in listed(name))
    return tuple(sorted(set(every)))


def _refusal(ask: Ask, method: str, asked: str, taken: tuple[str, ...]) -> AzureError:
    namespace, _, short = _lists().get(asked.lower(), (asked, ()))[0].partition("/")
    place = _place(ask, method)
    if place is None:
        return AzureError(
            404,
            "InvalidResourceType",
            f"The resource type '{short}' could not be found in the namespace '{namespace}' for api version "
            f"'{ask.api_version}'. The supported api-versions are '{','.join(taken)}'.",
        )
    location, regions = place
    return bad_request(
        "NoRegisteredProviderFound",
        f"No registered resource provider found for location '{location}' and API version '{ask.api_version}' for "
        f"type '{short}'. The supported api-versions are '{', '.join(taken)}'. "
        f"The supported locations are '{', '.join(regions)}'.",
    )


def _place(ask: Ask, method: str) -> tuple[str, tuple[str, ...]] | None:
    """Where a request belongs, and where its type can be: by its path, its body, or what it stands under."""
    target = ask.target
    if target.types and target.types[0].lower() == "locations" and target.names:
        return target.names[0], REGIONS
    kind = BY_TYPE.get(f"{target.namespace}/{target.types[0]}".lower()) if target.types else None
    if kind is None or not kind.regions or not target.names:
        return None
    top = f"{target.scope}/providers/{target.namespace}/{target.types[0]}/{target.names[0]}"
    document = find.resource(ask.cloud, top)
    may_read = ask.cloud.enforcer.decide(ask.caller.principal.object_id, f"{kind.permission_type}/read", top).allowed
    if document is not None and may_read:
        return str(document["location"]), kind.regions
    given = ask.body.get("location") if method == "PUT" and len(target.types) == 1 else None
    return (region(given), kind.regions) if isinstance(given, str) else None


def _invalid(version: str) -> AzureError:
    return bad_request(
        "InvalidApiVersionParameter",
        f"The api-version '{version}' is invalid. The supported versions are '{','.join(_own())}'.",
    )
