"""The settings of a workspace's online endpoints: registered models as web services.

Sources: Microsoft, "CLI (v2) online endpoint YAML schema", "Perform safe rollout of new deployments for real-time
inference", "Manage and increase quotas".
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from azmlflow.infra.plan import serving
from azmlflow.infra.settings.faults import refuse, repeated
from azmlflow.infra.settings.fields import Identities, SettingsModel
from azmlflow.resourcetypes.bounds import (
    MODEL,
    MODEL_VERSION,
    MOST_DEPLOYMENTS,
    MOST_INSTANCES,
    MOST_MIRRORED,
    NAMES,
    VM_SIZE,
)

LATEST = "latest"


class DeploymentSettings(SettingsModel):
    """A model that an endpoint serves, with the machines that it runs on."""

    model: str = Field(
        description="Name of a registered model that MLflow logged.", pattern=f"^{MODEL}$", examples=["wine"]
    )
    version: str = Field(
        LATEST,
        description="Its version, or latest: the highest that there is when `up` is typed. Another version is another "
        "deployment, which answers before requests go there.",
        pattern=f"^({LATEST}|{MODEL_VERSION})$",
        examples=["3"],
    )
    name: str = Field(
        "",
        description="What its name in Azure begins with, before model and version, to tell two of one model apart.",
        pattern=r"^([a-z](-?[a-z0-9])*)?$",
        max_length=16,
        examples=["blue"],
    )
    instance_type: str = Field(
        serving.SIZE,
        description="Azure's virtual machine size of each instance. Another one is another deployment.",
        pattern=f"^(?i:{VM_SIZE})$",
        examples=[serving.SIZE],
        json_schema_extra={"pattern": f"^{VM_SIZE}$"},
    )
    instance_count: int = Field(
        1, description="How many instances, each of which costs while it stands.", ge=1, le=MOST_INSTANCES, examples=[2]
    )
    traffic: int = Field(
        100,
        description="Percent of the endpoint's requests that it answers; of all deployments together 100, or 0.",
        ge=0,
        le=100,
        validate_default=True,
        examples=[90],
    )
    mirror: int = Field(
        0,
        description="Percent of the requests of which it gets a copy, and whose answers nobody sees.",
        ge=0,
        le=MOST_MIRRORED,
        examples=[10],
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        if self.mirror and self.traffic:
            raise refuse("a deployment answers requests, or gets a copy of them: with mirror, traffic is 0")
        return self


class EndpointSettings(SettingsModel):
    """An online endpoint."""

    name: str = Field(
        description="Its name, which is a host's: unique in the region.",
        examples=["wine"],
    )
    auth: Literal["key", "amlToken", "aadToken"] = Field(
        "key",
        description="How callers prove who they are: by a key, which is nobody's; by a token that Azure Machine "
        "Learning gives; or by a token of their own, which wants the persona scorer.",
        examples=["aadToken"],
    )
    identities: Identities = Field(
        {},
        description="User-assigned identities instead of one that Azure makes: the ARM id of each, and its object id "
        "in the directory (`az identity show --ids ID --query principalId`), which gets the roles that it needs on "
        "what is the stack's. Other identities are another endpoint.",
    )
    deployments: tuple[DeploymentSettings, ...] = Field(
        (), description="What answers there, each by its share of the traffic."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if re.fullmatch(NAMES[serving.ENDPOINT], self.name) is None:
            raise refuse(
                f"'{self.name}' is no name of an endpoint: 3 to 32 letters, digits and single hyphens, beginning with "
                "a letter and ending with a letter or digit"
            )
        if len(self.deployments) > MOST_DEPLOYMENTS:
            raise refuse(f"{len(self.deployments)} deployments are more than the {MOST_DEPLOYMENTS} that Azure takes")
        self._check_names()
        total = sum(each.traffic for each in self.deployments)
        if total not in (0, 100):
            raise refuse(f"the traffic of {self.name} adds up to {total} percent: its shares are 100, or 0, together")
        if sum(1 for each in self.deployments if each.mirror) > 1:
            raise refuse(f"{self.name} mirrors to two deployments, and Azure to one alone")
        return self

    def _check_names(self) -> None:
        called = [(each.name, each.model) for each in self.deployments]
        loose = {key for key, each in zip(called, self.deployments, strict=True) if each.version == LATEST}
        for name, model in called:
            if (name, model) in loose and called.count((name, model)) > 1:
                raise refuse(f"two deployments of {model} may come to be of one version: give each a name of its own")
        names = [
            serving.deployment_name(each.name, each.model, each.version, each.instance_type)
            for each in self.deployments
        ]
        if twice := repeated(names):
            raise refuse(f"two deployments of {self.name} are called '{twice}': give each a name of its own")


def _fitting(value: tuple[EndpointSettings, ...], info: ValidationInfo) -> tuple[EndpointSettings, ...]:
    if twice := repeated(each.name.lower() for each in value):
        raise refuse(f"two endpoints are called '{twice}'; Azure's names ignore case")
    network = info.data.get("network")
    if value and network is not None and network.of_mode.serves_not:
        raise refuse(f"network.mode {network.mode} {network.of_mode.serves_not}")
    if info.data.get("registry") == "none" and any(each.identities for each in value):
        raise refuse(
            "an endpoint with user-assigned identities pulls its image as one of them, and the registry that Azure "
            "makes by itself gives them no role",
            fix="azmlflow set registry own",
        )
    return value


Endpoints = Annotated[
    tuple[EndpointSettings, ...],
    AfterValidator(_fitting),
    Field(description="Online endpoints of the workspace: registered models as web services."),
]
