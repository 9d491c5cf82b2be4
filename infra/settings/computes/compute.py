"""What the settings of clusters and of compute instances have in common: machines, identities, the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from azmlflow.infra.plan import naming
from azmlflow.infra.plan.records import ComputeIdentity
from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.fields import Identities, Sent, SettingsModel
from azmlflow.resourcetypes.bounds import SUBNET_ID, VM_SIZE

SubnetId = Annotated[
    str,
    Field(
        pattern=f"^(?i:{SUBNET_ID})$",
        json_schema_extra={"pattern": f"^{SUBNET_ID}$"},  # editors' patterns have no (?i:...)
    ),
]


class ComputeSettings(SettingsModel):
    """Machines of a workspace."""

    name: str = Field(description="Name of the compute in the workspace.", examples=["cpu"])
    vm_size: Annotated[str, Sent("vmSize", fixed=True)] = Field(
        "Standard_DS3_v2",
        description="Azure's virtual machine size of each node.",
        pattern=f"^(?i:{VM_SIZE})$",
        examples=["Standard_DS3_v2"],
        json_schema_extra={"pattern": f"^{VM_SIZE}$"},
    )
    identity: Literal["none", "system"] = Field(
        "none",
        description="Whether Azure makes the compute an identity of its own, which jobs use to reach data and images.",
        examples=["system"],
    )
    identities: Identities = Field(
        {},
        description="User-assigned identities instead: the ARM id of each, and its object id in the directory (`az "
        "identity show --ids ID --query principalId`), which gets the roles that it needs on what is the stack's.",
    )
    subnet: Annotated[SubnetId | None, Sent("subnet.id", fixed=True)] = Field(
        None,
        description="ARM id of the subnet that its nodes are in; of the workspace's subscription and region.",
        examples=[
            "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg-net"
            "/providers/Microsoft.Network/virtualNetworks/vnet/subnets/computes"
        ],
    )
    public_ip: Annotated[bool, Sent("enableNodePublicIp", fixed=True)] = Field(
        True,
        description="Whether its nodes have public IP addresses. Without, they need a network that is managed, or "
        "one's own, in which they have none by default.",
        examples=[True],
    )

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        if wrong := naming.check("compute", value):
            raise refuse(wrong, naming.repair("compute", value))
        return value

    @field_validator("identities")
    @classmethod
    def _identities(cls, value: Mapping[str, str], info: ValidationInfo) -> Mapping[str, str]:
        # Microsoft, "Set up service authentication", "Compute cluster".
        if value and info.data.get("identity") == "system":
            raise refuse("Azure gives a compute either an identity of its own or user-assigned ones, not both")
        return value

    def identity_type(self) -> str | None:
        """Azure's word for its identities; None for none."""
        if self.identities:
            return "UserAssigned"
        return "SystemAssigned" if self.identity == "system" else None


def identities_of(computes: Iterable[ComputeSettings], *, stops: bool = False) -> Iterator[ComputeIdentity]:
    """The user-assigned identities of computes; `stops`: of instances, which stop by themselves."""
    for compute in computes:
        for principal_id in compute.identities.values():
            yield ComputeIdentity(principal_id, stops)
