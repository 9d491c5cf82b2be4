"""The settings of one grant: who may do what. Checked, it is `rbac`'s own record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, GetCoreSchemaHandler, field_validator
from pydantic_core import CoreSchema, core_schema

from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.fields import Day, ObjectId, SettingsModel
from azmlflow.rbac.grants import Grant, GrantScope, PrincipalType
from azmlflow.rbac.profiles import Profile
from azmlflow.rbac.roles import PERSONAS, UnknownPersona, persona


class GrantSettings(SettingsModel):
    """One person's, group's or application's part in the workspace."""

    principal_id: ObjectId = Field(
        description="Object id in the directory; for an application that of its service principal.",
        examples=["00000000-0000-4000-8000-000000000000"],
    )
    principal_type: PrincipalType = Field(
        description="Kind of principal; Azure needs it while a new principal is still replicating.", examples=["User"]
    )
    display_name: str = Field("", description="Name for people; it is not sent to Azure.", max_length=256)
    persona: str = Field(
        description="What the principal may do with MLflow.",
        examples=["tracker"],
        json_schema_extra={"enum": [each.name for each in PERSONAS]},
    )
    scope: GrantScope = Field(
        "workspace", description="Where: on the workspace, or on its whole resource group.", examples=["workspace"]
    )
    until: Day = Field(
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

    @field_validator("adopted")
    @classmethod
    def _adopted(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        return {guid.lower(): id_ for guid, id_ in value.items()}


class _AsGrant:
    """Has pydantic check a grant as `GrantSettings` says, and give the one record of it that travels."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: type[Grant], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            lambda checked: Grant(**{name: getattr(checked, name) for name in GrantSettings.model_fields}),
            handler(GrantSettings),
        )


CheckedGrant = Annotated[Grant, _AsGrant]
RoleProfile = Annotated[
    Profile,
    Field(
        description="Personas as custom roles that allow just that; or, where a tenant forbids custom roles, as the "
        "nearest built-in roles, which allow more (`azmlflow roles` lists it).",
        examples=["least-privilege"],
    ),
]
StrictTracker = Annotated[
    bool,
    Field(
        description="Take `jobs/write` from the tracker: no recorded request of MLflow's needs it, but Microsoft's "
        "page asks for it, and with it Azure may let its holder start a job that needs no code upload.",
        examples=["false"],
    ),
]
