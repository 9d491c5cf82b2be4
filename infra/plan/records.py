"""What a stack declares, as records: a resource, by its names in Pulumi and in Azure, and a role assignment.

URN grammar: `urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from azmlflow.rbac import scopes
from azmlflow.rbac.grants import assignment_name
from azmlflow.resourcetypes.table import token_of

_ROLE_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_CALLERS = {"grant": "identity", "identity": "grant"}  # how the names of built-in roles' assignments begin


def component(name: str) -> str:
    """Pulumi's type token of a component of ours."""
    return f"azmlflow:index:{name}"


ACCESS, ACCESS_NAME = component("Access"), "access"  # which declares all assignments


@dataclass(frozen=True)
class Planned:
    """One Azure resource that a stack declares.

    Attributes:
        type: Pulumi's type token.
        name: logical name in the program.
        parent_type: type token of the component that declares it.
        parent: logical name of that component.
        id: where Azure keeps it.
    """

    type: str
    name: str
    parent_type: str
    parent: str
    id: str

    def urn(self, stack: str, project: str) -> str:
        """Its name in Pulumi's state."""
        return f"urn:pulumi:{stack}::{project}::{self.parent_type}${self.type}::{self.name}"

    def parent_urn(self, stack: str, project: str) -> str:
        """Its component's name in Pulumi's state."""
        return f"urn:pulumi:{stack}::{project}::{self.parent_type}::{self.parent}"


@dataclass(frozen=True)
class Assignment:
    """One role assignment that grants call for. Several grants may call for the same one: then it is there once.

    Attributes:
        name: logical name in the program.
        scope: ARM id of what it is on.
        role_definition_id: the role.
        principal_id: who gets it.
        principal_type: `User`, `Group` or `ServicePrincipal`.
        persona: the persona whose own role it is; None for a built-in role.
        why: what it is there for, for people.
    """

    name: str
    scope: str
    role_definition_id: str
    principal_id: str
    principal_type: str
    persona: str | None
    why: str

    @property
    def guid(self) -> str:
        """Its name in Azure."""
        return assignment_name(self.scope, self.principal_id, self.role_definition_id)

    @property
    def id(self) -> str:
        """Its ARM id."""
        return scopes.extension_id(self.scope, _ROLE_ASSIGNMENT, self.guid)

    @property
    def role_guid(self) -> str:
        """GUID of the role, lower case."""
        return self.role_definition_id.rpartition("/")[2].lower()

    @property
    def key(self) -> tuple[str, str, str]:
        """What Azure allows only once: scope, principal, role."""
        return scopes.key(self.scope), self.principal_id.lower(), self.role_guid

    @property
    def otherwise(self) -> str:
        """Its logical name where a compute's identity calls for it and no grant does, or the other way round: it is one
        and the same in Azure, and stays. Empty for a persona's own role, which only grants call for."""
        caller, _, rest = self.name.partition("-")
        return f"{_CALLERS[caller]}-{rest}" if self.persona is None else ""

    def planned(self) -> Planned:
        """The resource that declares it."""
        return Planned(token_of(_ROLE_ASSIGNMENT), self.name, ACCESS, ACCESS_NAME, self.id)


@dataclass(frozen=True)
class ComputeIdentity:
    """A user-assigned identity that a compute or an online endpoint has.

    Attributes:
        principal_id: its object id in the directory.
        stops: whether a compute instance has it, which could not stop by itself without its rights.
        serves: whether an online endpoint has it, which reads its models as this identity.
    """

    principal_id: str
    stops: bool = False
    serves: bool = False

    def needs(
        self, workspace: str, registry: str | None, data: str | None, models: str | None
    ) -> Iterator[tuple[str, str, str]]:
        """Names of the built-in roles that it needs, each with where, and why, for people.

        Args:
            workspace: ARM id of the workspace.
            registry: of the container registry that images are pulled from, if any.
            data: of the storage account, where it is opened as who works on it.
            models: of the storage account that models are in.

        Sources: Microsoft, "Set up service authentication" (AcrPull; blob data), "Create a compute instance" (one with
        an identity stops by itself only where that is Contributor of the workspace), "Access Azure resources from an
        online endpoint with a managed identity" (what a user-assigned one needs).
        """
        if self.serves:
            if registry is not None:
                yield "AcrPull", registry, "Images for an online endpoint's identity"
            if models is not None:
                yield "Storage Blob Data Reader", models, "Models for an online endpoint's identity"
            yield "AzureML Metrics Writer (preview)", workspace, "Metrics of an online endpoint's identity"
            return
        if registry is not None:
            yield "AcrPull", registry, "Images for a compute's identity"
        if data is not None:
            yield "Storage Blob Data Contributor", data, "Data for a compute's identity"
        if self.stops:
            yield "Contributor", workspace, "A compute instance's identity stops it when idle"
