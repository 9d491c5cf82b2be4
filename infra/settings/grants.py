"""The settings of one grant: who may do what."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.fields import Day, ObjectId, SettingsModel
from azmlflow.rbac.grants import Grant, GrantScope, PrincipalType
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
