"""Resources that somebody else made, given by id: used, and neither changed nor deleted.

What a workspace stands on is one of the stack's own, or the ARM id of another's. Of ours there are then only roles and
private endpoints on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from azmlflow.infra.settings.faults import Fault, SettingsError, refuse
from azmlflow.infra.settings.fields import read_arm_id
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.rbac import scopes

REGISTRY = "Microsoft.ContainerRegistry/registries"
STORAGE = "Microsoft.Storage/storageAccounts"
VAULT = "Microsoft.KeyVault/vaults"
INSIGHTS = "Microsoft.Insights/components"


def _choice(azure_type: str, called: str, *words: str) -> BeforeValidator:
    """One of some words, or the ARM id of a resource of a type."""
    told = f"neither {' nor '.join(words)}, nor" if len(words) > 1 else f"neither {words[0]} nor"

    def read(value: object) -> object:
        if value in words:
            return value
        if not isinstance(value, str) or not value.startswith("/"):
            raise refuse(f"{value!r} is {told} the ARM id of {called}", "own")
        return read_arm_id(azure_type, value)

    return BeforeValidator(read)


RegistryChoice = Annotated[
    str,
    _choice(REGISTRY, "a container registry", "none", "own"),
    Field(
        validate_default=True,
        description="Container registry for images: none, where Azure makes one at the first image, untagged and "
        "beyond `down`'s reach until then; own (about 5 USD a month); or the ARM id of one that stands: it is used, "
        "and neither changed nor deleted.",
        examples=["own"],
    ),
]
StorageChoice = Annotated[
    str,
    _choice(STORAGE, "a storage account", "own"),
    Field(
        description="Storage account for artifacts: own, or the ARM id of one that stands: it is used, and neither "
        "changed nor deleted.",
        examples=["own"],
    ),
]
VaultChoice = Annotated[
    str,
    _choice(VAULT, "a key vault", "own"),
    Field(
        description="Key vault for the workspace's secrets: own, or the ARM id of one that stands: it is used, and "
        "neither changed nor deleted.",
        examples=["own"],
    ),
]
InsightsChoice = Annotated[
    str,
    _choice(INSIGHTS, "an Application Insights component", "own"),
    Field(
        description="Application Insights for what deployed models tell: own, with a Log Analytics workspace, or the "
        "ARM id of a component that stands: it is used, and neither changed nor deleted.",
        examples=["own"],
    ),
]


GroupChoice = Annotated[
    str,
    BeforeValidator(lambda value: value if value == "own" else _group(value)),
    Field(
        description="Resource group: own, or the ARM id of one that stands: the stack's things are made in it, and "
        "`down` deletes these alone.",
        examples=["own"],
    ),
]


def _group(value: object) -> str:
    try:
        found = scopes.parse(value if isinstance(value, str) else "")
    except scopes.InvalidScope:
        found = None
    if found is None or not found.subscription or not found.resource_group or found.namespace:
        raise refuse(f"{value!r} is neither own nor the ARM id of a resource group", "own")
    return scopes.resource_group_id(found.subscription, found.resource_group)


def check_own(word: object, group: object, name: str) -> None:
    """Refuse a setting that is about the group itself, where the group is another's.

    Args:
        word: what the setting says; nothing is refused where it says nothing.
        group: the setting `group`.
        name: what the setting is called.

    Raises:
        PydanticCustomError: it is set, and the group is another's.
    """
    if word and isinstance(group, str) and given(group):
        raise refuse(
            f"{name} is about a whole resource group, and the stack's is another's", fix=f"azmlflow set --unset {name}"
        )


def given(word: str) -> str | None:
    """The ARM id that a choice is; None for its other words."""
    return word if word.startswith("/") else None


def check_places(given: Mapping[str, str], group_id: str) -> None:
    """Refuse what lies in another subscription: a workspace stands on nothing there (Microsoft, "Workspaces"). And what
    lies in the stack's own group, which `down` deletes.

    Args:
        given: ids by the keys of their settings.
        group_id: ARM id of the stack's group.

    Raises:
        SettingsError: naming each.
    """
    subscription, faults = scopes.parse(group_id).subscription or "", []
    own = "group" not in given
    for key, id_ in given.items():
        theirs, why = scopes.parse(id_).subscription or "", ""
        if theirs.lower() != subscription.lower():
            why = (
                f"lies in subscription {theirs}; the stack is in {subscription}, and a workspace uses what is in its "
                "own alone"
            )
        elif own and scopes.contains(group_id, id_):
            why = f"lies in the stack's own group, which `down` deletes with all in it: {group_id}"
        if why:
            faults.append(Fault(f"{NAMESPACE}:{key}", why, f"azmlflow set --unset {key}"))
    if faults:
        raise SettingsError(faults)
