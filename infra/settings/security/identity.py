"""The settings of a workspace's own identity."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.fields import SettingsModel, arm_id

_TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"


class IdentitySettings(SettingsModel):
    """As whom a workspace works."""

    type: Literal["SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned"] = Field(
        "SystemAssigned",
        description="In Azure's words: an identity that Azure makes, and gives its rights, with the workspace; one "
        "that is a resource of its own; or both. From both Azure does not go back to the first.",
        examples=["UserAssigned"],
    )
    id: Annotated[str | None, arm_id(_TYPE)] = Field(
        None,
        description="ARM id of a user-assigned identity that stands: it is used, and neither changed nor deleted. "
        "Default: one is made.",
        examples=[f"/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg/providers/{_TYPE}/id-ml"],
    )
    grant_roles: bool = Field(
        True,
        description="Give a user-assigned identity the roles that it needs on what the workspace stands on, before "
        "the workspace is made; false where somebody else has given them to one that stands, named by id.",
        examples=["false"],
    )

    grant_on_given: bool = Field(
        True,
        description="Whether it gets them on what is given by id as well; false where its owners have given them, and "
        "the stack gives those on what is its own.",
        examples=["false"],
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.grant_on_given and not self.id:
            raise refuse(
                "nobody can have given a role to an identity that is only to be made: name one that stands, as id",
                fix="azmlflow set --unset identity.grantOnGiven",
            )
        if self.id and not self.user_assigned:
            raise refuse("an id needs the type UserAssigned, or SystemAssigned,UserAssigned")
        return self

    @property
    def user_assigned(self) -> bool:
        """Whether the workspace has a user-assigned identity."""
        return self.type != "SystemAssigned"

    @property
    def made(self) -> bool:
        """Whether that identity is the stack's own."""
        return self.user_assigned and not self.id

    def grants(self, *, given: bool) -> bool:
        """Whether the stack gives it its roles on what is given by id, or on what is the stack's own."""
        return self.grant_roles and (self.grant_on_given or not given)

    def arguments(self) -> dict[str, Any]:
        """The same as arguments of `MlflowWorkspace`."""
        return {
            "identity_type": self.type,
            "identity_id": self.id,
            "grant_roles": self.grant_roles,
            "grant_on_given": self.grant_on_given,
        }
