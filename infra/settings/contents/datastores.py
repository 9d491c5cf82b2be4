"""The settings of a workspace's datastores: where jobs and people find data, by name, without a credential in it.

Source: Microsoft, "Datastores" (REST 2025-12-01), "Create datastores", and "Naming and Referencing Containers, Blobs,
and Metadata" with its pages on shares and file systems.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from azmlflow.infra.settings.faults import refuse, repeated
from azmlflow.infra.settings.fields import SettingsModel, arm_id
from azmlflow.infra.settings.security.given import STORAGE
from azmlflow.resourcetypes.bounds import AZURES_DATASTORES, NAMES

_STORE = r"(?=.{3,63}$)[a-z0-9](?:-?[a-z0-9])*"


class DatastoreSettings(SettingsModel):
    """A datastore."""

    name: str = Field(
        description="Name in the workspace: letters, digits and underscores.",
        pattern=f"^{NAMES['Microsoft.MachineLearningServices/workspaces/datastores']}$",
        examples=["raw"],
    )
    type: Literal["blob", "file", "dataLake"] = Field(
        "blob",
        description="What it is of: a container of blobs, a file share, or a file system of Data Lake Storage Gen2, "
        "whose account has a hierarchical namespace.",
        examples=["dataLake"],
    )
    account: Annotated[str | None, arm_id(STORAGE)] = Field(
        None,
        description="ARM id of the storage account: it is named, and neither changed nor given roles on. Default: the "
        "workspace's own.",
        examples=[f"/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg/providers/{STORAGE}/stdata"],
    )
    container: str = Field(
        description="Name of the container, share or file system, which stands or comes: the datastore does not make "
        "it.",
        examples=["raw-data"],
    )
    identity: Literal["caller", "workspace"] = Field(
        "caller",
        description="As whom Azure's own services open it, such as previews in the studio: as who asks, or as the "
        "workspace. Jobs open it as whom they run; nobody by a key.",
        examples=["caller"],
    )

    @field_validator("type", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        if isinstance(value, str) and value.lower() == "onelake":
            raise refuse(
                "a datastore of OneLake names a workspace and an item of Microsoft Fabric, which azmlflow does not "
                "know: az ml datastore create makes one beside the stack's",
                "blob",
            )
        return value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.name.lower() in AZURES_DATASTORES:
            raise refuse(f"Azure makes {self.name} with the workspace; another name is needed")
        if re.fullmatch(_STORE, self.container) is None:
            raise refuse(
                f"'{self.container}' is no name of a container, share or file system: 3 to 63 lower-case letters, "
                "digits and single hyphens, beginning and ending with a letter or digit"
            )
        if self.type == "dataLake" and self.account is None:
            raise refuse(
                "a dataLake is in an account with a hierarchical namespace, which the workspace's own may not have: "
                "say its account, or take blob"
            )
        return self


def _distinct(value: tuple[DatastoreSettings, ...]) -> tuple[DatastoreSettings, ...]:
    if twice := repeated(each.name.lower() for each in value):
        raise refuse(f"two datastores are called '{twice}'; Azure's names ignore case")
    return value


Datastores = Annotated[
    tuple[DatastoreSettings, ...],
    AfterValidator(_distinct),
    Field(description="Datastores of the workspace, without a credential in them."),
]
