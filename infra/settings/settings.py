"""A stack's settings: what `Pulumi.<stack>.yaml` may say under `azmlflow:`, checked whole before anything is done.

The rule: `Settings` is the only description of the settings. The program, `init`, the docs and an editor's schema
(`Settings.model_json_schema()`) are made from its fields. An unknown key is refused, not ignored, since a misspelt
`grants` would otherwise quietly grant nothing; and every fault is reported at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, get_origin
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from azmlflow.infra.plan import naming, tags
from azmlflow.infra.plan.identifiers import Place
from azmlflow.infra.settings.faults import Fault, SettingsError, explain, nearest, refuse
from azmlflow.infra.settings.regions import REGIONS
from azmlflow.rbac.grants import Grant
from azmlflow.rbac.roles import UnknownPersona, persona

__all__ = ["NAMESPACE", "ClusterSettings", "Fault", "GrantSettings", "Settings", "SettingsError"]

NAMESPACE = "azmlflow"


def _guid(value: object) -> object:
    """A GUID in Azure's spelling, 8-4-4-4-12 in lower case."""
    if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value):
        return str(UUID(value))
    raise refuse(f"{value!r} is not an object id (a GUID); `azmlflow grant NAME PERSONA` finds a name's object id")


def _day(value: object) -> object:
    """A day as YAML reads it, or as the engine passes it."""
    if value is None or type(value) is date:
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise refuse(f"{value!r} is no day such as 2027-01-31") from None


def _instant(value: object) -> object:
    """A moment as YAML reads it, or as the engine passes it."""
    found = value if isinstance(value, datetime) else tags.read_instant(str(value)) if value is not None else None
    if value is not None and found is None:
        raise refuse(f"{value!r} is no moment such as 2027-01-31T12:00:00Z")
    return tags.read_instant(found.isoformat()) if found else None


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, coerce_numbers_to_str=True
    )


class ClusterSettings(_Frozen):
    """One compute cluster."""

    name: str = Field(description="Name of the cluster in the workspace.", examples=["cpu"])
    vm_size: str = Field(
        "Standard_DS3_v2",
        description="Azure's virtual machine size of each node.",
        pattern=r"^(?i:Standard|Basic)_[A-Za-z0-9_-]+$",
        examples=["Standard_DS3_v2"],
    )
    min_nodes: int = Field(
        0, description="Nodes kept running when idle; 0 costs nothing.", ge=0, le=65_000, examples=[0]
    )
    max_nodes: int = Field(4, description="Most nodes at a time.", ge=1, le=65_000, validate_default=True, examples=[4])
    idle_seconds: int = Field(
        300, description="Seconds that an idle node waits before it is released.", ge=1, le=604_800, examples=[300]
    )
    priority: Literal["Dedicated", "LowPriority"] = Field(
        "Dedicated",
        description="LowPriority nodes cost less, and Azure may take them back at any time.",
        examples=["Dedicated"],
    )

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        if wrong := naming.check("compute", value):
            raise refuse(wrong, naming.repair("compute", value))
        return value

    @field_validator("max_nodes")
    @classmethod
    def _order(cls, value: int, info: ValidationInfo) -> int:
        least = info.data.get("min_nodes")
        if least is not None and least > value:
            raise refuse(f"{value} is below minNodes, which is {least}", str(least))
        return value


class GrantSettings(_Frozen):
    """One person's, group's or application's part in the workspace."""

    principal_id: Annotated[str, BeforeValidator(_guid)] = Field(
        description="Object id in the directory; for an application that of its service principal.",
        examples=["00000000-0000-4000-8000-000000000000"],
    )
    principal_type: Literal["User", "Group", "ServicePrincipal"] = Field(
        description="Kind of principal; Azure needs it while a new principal is still replicating.", examples=["User"]
    )
    display_name: str = Field("", description="Name for people; it is not sent to Azure.", max_length=256)
    persona: str = Field(description="What the principal may do with MLflow.", examples=["tracker"])
    scope: Literal["workspace", "group"] = Field(
        "workspace", description="Where: on the workspace, or on its whole resource group.", examples=["workspace"]
    )
    until: Annotated[date | None, BeforeValidator(_day)] = Field(
        None,
        description="Last day of the grant, by UTC. Azure does not know of it: the next `up` after it takes the grant "
        "away.",
        examples=["2027-01-31"],
    )
    adopted: Mapping[str, str] = Field(
        {},
        description="Role assignments that somebody else made and that grant just this, by the role's GUID; "
        "`azmlflow grant` writes it. They are relied on, never managed, never deleted.",
    )

    @field_validator("persona")
    @classmethod
    def _persona(cls, value: str) -> str:
        try:
            known: str = persona(value).name
        except UnknownPersona as error:
            raise refuse(str(error)) from error
        return known

    def record(self) -> Grant:
        """The grant as `azmlflow.rbac` has it."""
        return Grant(
            self.principal_id,
            self.principal_type,
            self.display_name,
            self.persona,
            self.scope,
            self.until,
            {guid.lower(): id_ for guid, id_ in self.adopted.items()},
        )


def _name_field(description: str, example: str) -> Any:
    return Field(None, description=f"{description} Default: made from prefix, stack and salt.", examples=[example])


class Settings(_Frozen):
    """Everything that a stack may set."""

    cloud: Literal["azure", "local"] = Field(
        "azure",
        description="Which Azure the `azmlflow` command works against; the program itself is the same for both.",
        examples=["azure"],
    )
    prefix: str = Field(
        "mlflow",
        description="What the names of all resources are made from.",
        pattern=r"^[a-z](-?[a-z0-9])*$",
        max_length=20,
        examples=["mlflow"],
    )
    salt: str = Field(
        "",
        description="Another salt gives another set of names, for when Azure has one taken.",
        max_length=64,
        examples=["2"],
    )
    location: str = Field("westeurope", description="Azure region of all resources.", examples=["westeurope"])
    resource_group: str | None = _name_field("Name of the resource group.", "rg-mlflow")
    workspace: str | None = _name_field("Name of the workspace.", "mlw-mlflow")
    storage_account: str | None = _name_field("Name of the storage account, unique in all of Azure.", "stmlflow4711")
    key_vault: str | None = _name_field("Name of the key vault, unique in all of Azure.", "kv-mlflow-4711")
    clusters: tuple[ClusterSettings, ...] = Field((), description="Compute clusters of the workspace.")
    grants: tuple[GrantSettings, ...] = Field(
        (), description="Who may do what; `azmlflow grant` and `revoke` write it."
    )
    role_profile: Literal["least-privilege", "built-in"] = Field(
        "least-privilege",
        description="Personas as custom roles that allow just that; or, where a tenant forbids custom roles, as the "
        "nearest built-in roles, which allow more (`azmlflow roles` lists it).",
        examples=["least-privilege"],
    )
    strict_tracker: bool = Field(
        False,
        description="Take `jobs/write` from the tracker: no recorded request of MLflow's needs it, but Microsoft's "
        "page asks for it, and with it Azure may let its holder start a job that needs no code upload.",
        examples=["false"],
    )
    storage_auth: Literal["key", "identity"] = Field(
        "key",
        description="How the workspace's datastores are opened: with the account's key (artifacts travel by signed "
        "URLs), or as the caller, whose personas then bring roles on the storage account.",
        examples=["key"],
    )
    created_on: Annotated[datetime | None, BeforeValidator(_instant)] = Field(
        None,
        description="Since when the stack is; a tag of the group, by which `azmlflow sweep` tells its age. `up` writes "
        "it.",
        examples=["2027-01-31T12:00:00Z"],
    )
    owner: str | None = Field(
        None,
        description="Who made the stack, as a tag of the group. The first `up` writes it.",
        max_length=tags.LONGEST_VALUE,
        examples=["alice@contoso.com"],
    )
    expires_on: Annotated[datetime | None, BeforeValidator(_instant)] = Field(
        None,
        description="From when on `azmlflow sweep --expired` takes the stack; a tag of the group. `up --expires` "
        "writes it.",
        examples=["2027-01-31T12:00:00Z"],
    )
    tags: Mapping[str, str] = Field({}, description="Further tags on every resource.")
    purge_protection: bool = Field(
        False,
        description="Protect the key vault from purging. It cannot be switched off again, nor the vault's name "
        "reused before 90 days have passed.",
        examples=["false"],
    )

    @field_validator("location")
    @classmethod
    def _location(cls, value: str) -> str:
        if value in REGIONS:
            return value
        near = nearest(value, REGIONS)
        raise refuse(f"Azure has no region '{value}'{f'; did you mean {near}?' if near else ''}", near)

    @field_validator("resource_group", "workspace", "storage_account", "key_vault")
    @classmethod
    def _explicit(cls, value: str | None, info: ValidationInfo) -> str | None:
        kind = to_camel(info.field_name or "")
        if value is not None and (wrong := naming.check(kind, value)):
            raise refuse(wrong, naming.repair(kind, value))
        return value

    @field_validator("clusters")
    @classmethod
    def _distinct_clusters(cls, value: tuple[ClusterSettings, ...]) -> tuple[ClusterSettings, ...]:
        if twice := _twice(cluster.name.lower() for cluster in value):
            raise refuse(f"two clusters are called '{twice}'; Azure's names ignore case")
        return value

    @field_validator("grants")
    @classmethod
    def _distinct_grants(cls, value: tuple[GrantSettings, ...]) -> tuple[GrantSettings, ...]:
        if twice := _twice(f"{grant.persona} for {grant.principal_id} at the {grant.scope}" for grant in value):
            raise refuse(f"the grant {twice} is there twice")
        return value

    @field_validator("tags")
    @classmethod
    def _tags(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, text in value.items():
            if wrong := tags.check(name, text):
                raise refuse(f"the tag '{name}' {wrong}")
        if len(value) > tags.MOST_TAGS:
            raise refuse(f"{len(value)} tags are more than the {tags.MOST_TAGS} that Azure leaves beside our own")
        return value

    def names(self, stack: str, subscription_id: str) -> naming.Names:
        """The names of the stack's resources: those set, and generated ones for the rest."""
        generated = naming.generate(self.prefix, stack, self.salt, subscription_id)
        return naming.Names(
            resource_group=self.resource_group or generated.resource_group,
            workspace=self.workspace or generated.workspace,
            storage_account=self.storage_account or generated.storage_account,
            key_vault=self.key_vault or generated.key_vault,
            log_analytics=generated.log_analytics,
            application_insights=generated.application_insights,
        )

    def place(self, names: naming.Names, subscription_id: str) -> Place:
        """Where the grants apply, and how their personas become roles there."""
        account = names.storage_account if self.storage_auth == "identity" else None
        return Place(subscription_id, names.resource_group, names.workspace, account, self.role_profile)

    def grants_on(self, day: date) -> tuple[Grant, ...]:
        """The grants that hold on a day."""
        return tuple(record for grant in self.grants if (record := grant.record()).in_force(day))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> Settings:
        """Settings from a stack's raw configuration. Pure.

        Args:
            mapping: full keys to values, either as `Pulumi.<stack>.yaml` holds them or as the engine passes them
                (structured ones as JSON text); other namespaces' keys are left alone.

        Raises:
            SettingsError: with every fault found.
        """
        given: dict[str, object] = {}
        faults: list[Fault] = []
        for full_key, raw in mapping.items():
            namespace, _, key = full_key.partition(":")
            if namespace != NAMESPACE:
                continue
            try:
                given[key] = _decode(key, raw)
            except _UnreadableError as error:
                faults.append(Fault(full_key, str(error), f"pulumi config set {full_key} {error.example}"))
        try:
            settings = cls.model_validate(given, by_alias=True, by_name=False)
        except ValidationError as error:
            faults += [_explained(details) for details in error.errors(include_url=False)]
        else:
            if not faults:
                return settings
        raise SettingsError(faults)

    @classmethod
    def load(cls) -> Settings:
        """The settings of the stack that Pulumi is running.

        `pulumi.Config` reads one known key at a time; to refuse unknown keys all are needed, which an inline program
        has from the Automation API and a program under the language host from the variable PULUMI_CONFIG.

        Raises:
            SettingsError: with every fault found.
        """
        import pulumi.runtime.config as pulumi_config

        raw = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
        secret = set(pulumi_config.get_config_secret_keys_env())
        return cls.from_mapping(
            {
                key: {"secure": ""} if key in secret or pulumi_config.is_config_secret(key) else value
                for key, value in raw.items()
            }
        )


class _UnreadableError(Exception):
    """A raw value that cannot be a setting's at all; `example` is what could be."""

    def __init__(self, what: str, example: str) -> None:
        super().__init__(what)
        self.example = example


_MODELS: tuple[tuple[str, type[_Frozen]], ...] = (("clusters", ClusterSettings), ("grants", GrantSettings))
_STRUCTURED = tuple(
    to_camel(name) for name, field in Settings.model_fields.items() if get_origin(field.annotation) in (tuple, Mapping)
)


def _twice(values: Iterable[str]) -> str:
    """The first value that comes a second time, or empty."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return ""


def _decode(key: str, raw: object) -> object:
    """A raw value as the model takes it: JSON text read, scalars as the text that the engine would pass."""
    if isinstance(raw, Mapping) and set(raw) == {"secure"}:
        raise _UnreadableError("is encrypted, but settings hold no secrets; set it again without --secret", "VALUE")
    if key in _STRUCTURED:
        if not isinstance(raw, str):
            return raw
        try:
            return json.loads(raw)
        except json.JSONDecodeError as error:
            example = "'{}' --json" if key == "tags" else "'[]' --json"
            raise _UnreadableError(f"is not JSON: {error.msg} at character {error.pos + 1}", example) from error
    if isinstance(raw, bool):
        return json.dumps(raw)
    return str(raw) if isinstance(raw, int | float) else raw


def _explained(details: ErrorDetails) -> Fault:
    """An error with the model that it is about."""
    first, nested = str(details["loc"][0]), len(details["loc"]) > 1
    model = dict(_MODELS).get(first, Settings) if nested else Settings
    return explain(details, NAMESPACE, model, structured=first in _STRUCTURED and not nested)
