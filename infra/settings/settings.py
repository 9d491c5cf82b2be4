"""A stack's settings: what `Pulumi.<stack>.yaml` may say under `azmlflow:`, checked whole before anything is done.

The rule: `Settings` is the only description of the settings. What reads them, `azmlflow init` with its options, its
questions and its help, docs/settings.md and an editor's schema (schema.json) are made from its fields. An unknown key
is refused, not ignored, since a misspelt `grants` would otherwise quietly grant nothing; and every fault is reported at
once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from azmlflow.infra.plan import naming
from azmlflow.infra.plan.guardrails import Guardrails
from azmlflow.infra.plan.identifiers import Place
from azmlflow.infra.plan.records import ComputeIdentity
from azmlflow.infra.settings import reading
from azmlflow.infra.settings.computes.clusters import ClusterSettings
from azmlflow.infra.settings.computes.compute import ComputeSettings, identities_of
from azmlflow.infra.settings.computes.instances import InstanceSettings
from azmlflow.infra.settings.contents.datastores import Datastores
from azmlflow.infra.settings.contents.endpoints import Endpoints
from azmlflow.infra.settings.faults import SettingsError, refuse, repeated
from azmlflow.infra.settings.fields import Offered, Sent, SettingsModel, Tags
from azmlflow.infra.settings.grants import CheckedGrant, RoleProfile, StrictTracker
from azmlflow.infra.settings.guardrails import (
    BudgetSettings,
    Diagnostics,
    Locks,
    OnSoftDeleted,
    Protect,
    PurgeProtection,
)
from azmlflow.infra.settings.life import CreatedOn, ExpiresOn, Owner
from azmlflow.infra.settings.network.combinations import check_computes, check_registry, check_room
from azmlflow.infra.settings.network.network import NetworkSettings
from azmlflow.infra.settings.regions import Location
from azmlflow.infra.settings.security.encryption import Encryption, with_encryption
from azmlflow.infra.settings.security.given import (
    GroupChoice,
    InsightsChoice,
    RegistryChoice,
    StorageChoice,
    VaultChoice,
    check_own,
    given,
)
from azmlflow.infra.settings.security.identity import IdentitySettings
from azmlflow.rbac.grants import Grant
from azmlflow.resourcetypes.bounds import LOG_DAYS, MOST_LOG_DAYS


def _name_field(description: str, example: str) -> Any:
    return Field(None, description=f"{description} Default: made from prefix, stack and salt.", examples=[example])


class Settings(SettingsModel):
    """Everything that a stack may set."""

    cloud: Annotated[Literal["azure", "local"], Offered("cloud")] = Field(
        "azure",
        description="Which Azure the `azmlflow` command works against; the program itself is the same for both.",
        examples=["azure"],
    )
    location: Location = "westeurope"
    prefix: Annotated[str, Offered("prefix of all names")] = Field(
        "mlflow",
        description="What the names of all resources are made from.",
        pattern=r"^[a-z](-?[a-z0-9])*$",
        max_length=20,
        examples=["mlflow"],
    )
    salt: Annotated[str, Offered()] = Field(
        "",
        description="Another salt gives another set of names, for when Azure has one taken.",
        max_length=64,
        examples=["2"],
    )
    resource_group: Annotated[str | None, Offered()] = _name_field("Name of the resource group.", "rg-mlflow")
    workspace: Annotated[str | None, Offered()] = _name_field("Name of the workspace.", "mlw-mlflow")
    storage_account: str | None = _name_field("Name of the storage account, unique in all of Azure.", "stmlflow4711")
    key_vault: str | None = _name_field("Name of the key vault, unique in all of Azure.", "kv-mlflow-4711")
    network: NetworkSettings = Field(
        NetworkSettings.model_validate({}),
        description="Who reaches the workspace, and whom its computes reach.",
        json_schema_extra={"default": {}},
    )
    clusters: Annotated[
        tuple[ClusterSettings, ...], Offered(option="cluster", parts=("name", "vm_size", "max_nodes"))
    ] = Field((), description="Compute clusters of the workspace.")
    image_build_compute: str | None = Field(
        None,
        description="Name of the compute that builds images, or none: Azure's own do. Default: the first cluster where "
        "the registry is closed, which Azure's own do not reach.",
        pattern=r"^[A-Za-z][A-Za-z0-9-]*$",
        examples=["cpu"],
    )
    instances: tuple[InstanceSettings, ...] = Field((), description="Compute instances, each for one person.")
    grants: tuple[CheckedGrant, ...] = Field((), description="Who may do what; `azmlflow grant` and `revoke` write it.")
    role_profile: RoleProfile = "least-privilege"
    strict_tracker: StrictTracker = False
    storage_auth: Literal["key", "identity"] = Field(
        "key",
        description="How the workspace's datastores are opened: with the account's key (artifacts travel by signed "
        "URLs), or as the caller, whose personas then bring roles on the storage account; the account then takes no "
        "keys from anybody. Microsoft's pages differ on whether compute instances work without.",
        examples=["key"],
    )
    encryption: Encryption = None
    identity: IdentitySettings = Field(
        IdentitySettings.model_validate({}),
        validate_default=True,
        description="As whom the workspace itself works on what it stands on.",
    )
    group: GroupChoice = "own"
    registry: RegistryChoice = "none"
    storage: StorageChoice = "own"
    vault: VaultChoice = "own"
    insights: InsightsChoice = "own"
    datastores: Datastores = ()
    endpoints: Endpoints = ()
    diagnostics: Diagnostics = False
    log_days: Annotated[int, Sent("retentionInDays", of="logs")] = Field(
        LOG_DAYS,
        description="Days that the stack's Log Analytics keeps logs; those beyond 31 Azure bills by the gigabyte.",
        ge=LOG_DAYS,
        le=MOST_LOG_DAYS,
        examples=[90],
    )
    locks: Locks = False
    budget: BudgetSettings | None = Field(
        None, description="A monthly budget of the resource group, with alerts by e-mail; it stops nothing."
    )
    created_on: CreatedOn = None
    owner: Owner = None
    expires_on: ExpiresOn = None
    tags: Tags = Field({}, description="Further tags on every resource.")
    purge_protection: PurgeProtection = False
    protect: Protect = None
    on_soft_deleted: OnSoftDeleted = "fail"

    @field_validator("resource_group", "workspace", "storage_account", "key_vault")
    @classmethod
    def _explicit(cls, value: str | None, info: ValidationInfo) -> str | None:
        kind = to_camel(info.field_name or "")
        if value is not None and (wrong := naming.check(kind, value)):
            raise refuse(wrong, naming.repair(kind, value))
        return value

    @field_validator("clusters", "instances")
    @classmethod
    def _computes(cls, value: tuple[ComputeSettings, ...], info: ValidationInfo) -> tuple[ComputeSettings, ...]:
        key = info.field_name or ""
        before = info.data.get("clusters", ()) if key == "instances" else ()
        if twice := repeated(each.name.lower() for each in (*before, *value)):
            raise refuse(f"two {'computes' if before else key} are called '{twice}'; Azure's names ignore case")
        check_computes(info.data.get("network"), value, key)
        check_room(info.data.get("network"), (*before, *value))
        return value

    @field_validator("registry")
    @classmethod
    def _registry(cls, value: str, info: ValidationInfo) -> str:
        check_registry(info.data.get("network"), value)
        return value

    @field_validator("budget", "expires_on")
    @classmethod
    def _of_the_group(cls, value: object, info: ValidationInfo) -> object:
        check_own(value, info.data.get("group"), to_camel(info.field_name or ""))
        return value

    @field_validator("storage", "vault", "group")
    @classmethod
    def _named(cls, value: str, info: ValidationInfo) -> str:
        key = {"storage": "storage_account", "vault": "key_vault", "group": "resource_group"}[info.field_name or ""]
        if given(value) and info.data.get(key):
            raise refuse(f"one that stands has a name already: take {to_camel(key)} out", "own")
        return value

    @field_validator("encryption", "identity", "vault", "purge_protection")
    @classmethod
    def _encrypted(cls, value: Any, info: ValidationInfo) -> Any:
        return with_encryption(info.field_name or "", value, info.data)

    @field_validator("grants")
    @classmethod
    def _distinct_grants(cls, value: tuple[Grant, ...]) -> tuple[Grant, ...]:
        if twice := repeated(f"{grant.persona} for {grant.principal_id} at the {grant.scope}" for grant in value):
            raise refuse(f"the grant {twice} is there twice")
        return value

    def names(self, stack: str, subscription_id: str) -> naming.Names:
        """The names of the stack's resources: those set, and generated ones for the rest."""
        generated = naming.generate(self.prefix, stack, self.salt, subscription_id)
        return dataclasses.replace(
            generated,
            container_registry=generated.container_registry if self.registry == "own" else None,
            identity=generated.identity if self.identity.made else None,
            resource_group=self.group.rpartition("/")[2]
            if given(self.group)
            else self.resource_group or generated.resource_group,
            workspace=self.workspace or generated.workspace,
            storage_account=None if given(self.storage) else self.storage_account or generated.storage_account,
            key_vault=None if given(self.vault) else self.key_vault or generated.key_vault,
            log_analytics=None if given(self.insights) and not self.diagnostics else generated.log_analytics,
            application_insights=None if given(self.insights) else generated.application_insights,
        )

    def given(self) -> dict[str, str]:
        """ARM ids of what somebody else made, by the keys of their settings."""
        words = {name: getattr(self, name) for name in ("group", "registry", "storage", "vault", "insights")}
        found = {name: given(word) for name, word in words.items()} | {"identity.id": self.identity.id}
        found["encryption.keyVault"] = self.encryption.key_vault if self.encryption else None
        return {key: id_ for key, id_ in found.items() if id_}

    def guardrails(self) -> Guardrails:
        """What watches over the stack's resources."""
        own = {part for part in ("workspace", "storage", "vault") if part not in self.given()}
        return Guardrails(
            own=frozenset(own | ({"registry"} if self.registry == "own" else set())),
            diagnostics=self.diagnostics,
            # A lock on the account would also keep each role assignment on it from being taken away again.
            locks=self.locks,
            locks_storage=self.storage_auth == "key",
            budget=self.budget is not None,
        )

    def builds_images(self) -> str | None:
        """Name of the compute that builds images; None where Azure's own do."""
        if self.image_build_compute:
            return self.image_build_compute if self.image_build_compute != "none" else None
        return self.clusters[0].name if self.network.of_mode.closed and self.clusters else None

    def protects(self) -> bool:
        """Whether what holds data is protected."""
        return self.cloud == "azure" if self.protect is None else self.protect

    def names_are_generated(self) -> bool:
        """Whether the name of the group tells all others."""
        return not (
            given(self.group) or self.resource_group or self.workspace or self.storage_account or self.key_vault
        )

    def place(self, names: naming.Names, subscription_id: str) -> Place:
        """Where the grants apply, and how their personas become roles there."""
        account = given(self.storage) or names.storage_account
        registry = given(self.registry) or names.container_registry
        return Place(
            subscription_id,
            names.resource_group,
            names.workspace,
            account if self.storage_auth == "identity" else None,
            self.role_profile,
            registry,
            own_group=not given(self.group),
            models=account,
        )

    def identities(self) -> tuple[ComputeIdentity, ...]:
        """The user-assigned identities of its computes and endpoints."""
        found = [*identities_of(self.clusters), *identities_of(self.instances, stops=True)]
        found += (ComputeIdentity(id_, serves=True) for each in self.endpoints for id_ in each.identities.values())
        return tuple(dict.fromkeys(found))

    def grants_on(self, day: date) -> tuple[Grant, ...]:
        """The grants that hold on a day."""
        return tuple(grant for grant in self.grants if grant.in_force(day))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> Settings:
        """Settings from a stack's raw configuration (`reading.read`). Pure.

        Raises:
            SettingsError: with every fault found.
        """
        return reading.read(cls, mapping)

    @classmethod
    def load(cls) -> Settings:
        """The settings of the stack that Pulumi is running.

        Raises:
            SettingsError: with every fault found.
        """
        import pulumi

        try:
            return reading.read(cls, reading.of_running_program())
        except SettingsError as fault:
            raise fault.of_stack(pulumi.get_stack()) from None
