"""The settings of a stack's network. One word, `mode`, closes workspace, storage account, key vault and registry alike.

Source: Microsoft, "Workspace managed virtual network isolation", "Configure a private endpoint for an Azure Machine
Learning workspace". What Azure refuses is refused here, with the reason and the nearest that works.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_camel

from azmlflow.infra.plan.networks import Network
from azmlflow.infra.plan.private import Private
from azmlflow.infra.settings.faults import refuse, repeated
from azmlflow.infra.settings.fields import SettingsModel
from azmlflow.infra.settings.network import places
from azmlflow.infra.settings.network.addresses import allowed, private_range
from azmlflow.infra.settings.network.modes import listed as modes
from azmlflow.infra.settings.network.modes.mode import Mode
from azmlflow.infra.settings.network.rules import RuleSettings

_BELONGING = tuple(dict.fromkeys(key for each in modes.MODES.values() for key in each.keys))
Place = Annotated[str, AfterValidator(places.subnet)]


class NetworkSettings(SettingsModel):
    """Who reaches a workspace and what it stands on, and whom its computes reach."""

    mode: modes.Name = Field("public", description=modes.WORDS, examples=["managed"])
    allowed_ips: Annotated[tuple[str, ...], AfterValidator(allowed)] = Field(
        (),
        description="Internet addresses and ranges that people come from: up to 100, IPv4, a range of a /30 or more.",
        examples=[["198.51.100.0/24"]],
    )
    outbound: Literal["internet", "approved"] = Field(
        "internet",
        description="Whom the computes reach: the whole internet, or what Azure Machine Learning needs and `rules` "
        "allow. Azure does not open a managed network that is approved again to internet.",
        examples=["approved"],
    )
    rules: tuple[RuleSettings, ...] = Field(
        (), description="What a managed network lets out to; hosts and service tags need `outbound: approved`."
    )

    address_range: Annotated[str, AfterValidator(lambda text: str(private_range(text)))] = Field(
        places.RANGE, description="Range of the network that mode own makes.", examples=[places.RANGE]
    )
    endpoints: Place | None = Field(
        None,
        description="Where the private endpoints are by which people reach what is closed: ARM id of a subnet that is "
        "yours; or, with mode own, a range in addressRange (its first quarter by default). In a managed network "
        "without it nobody but the computes reaches the workspace.",
        examples=["10.42.0.0/26"],
    )
    computes: Place | None = Field(
        None,
        description="Where the computes of mode own are: ARM id of a subnet that is yours, which lets them out; or a "
        "range in addressRange (its second half by default).",
        examples=["10.42.0.128/25"],
    )
    dns: Literal["zones", "policy"] = Field(
        "zones",
        description="Who tells the endpoints' addresses: private DNS zones, yours or made; or a policy of your company "
        "that writes them into its own.",
        examples=["policy"],
    )
    zones: tuple[str, ...] = Field(
        (),
        description="ARM ids of private DNS zones that are yours; the others that the endpoints need are made. Yours "
        "are not linked to a network of yours.",
    )

    @field_validator(*_BELONGING)
    @classmethod
    def _of_the_mode(cls, value: Any, info: ValidationInfo) -> Any:
        mode, key = info.data.get("mode"), str(info.field_name)
        takes = [name for name, each in modes.MODES.items() if key in each.keys]
        if mode is not None and mode not in takes:
            raise refuse(
                f"belongs to mode {' or '.join(takes)}, and the mode is {mode}",
                fix=f"azmlflow set --unset network.{to_camel(key)}",
            )
        return value

    @field_validator("rules")
    @classmethod
    def _fitting(cls, value: tuple[RuleSettings, ...], info: ValidationInfo) -> tuple[RuleSettings, ...]:
        if twice := repeated(each.model_copy(update={"name": None}).rule().name for each in value):
            same = next(each for each in value if each.model_copy(update={"name": None}).rule().name == twice)
            raise refuse(f"two rules let out to the same, {same.fqdn or same.service_tag or same.private_endpoint}")
        if twice := repeated(each.rule().name.lower() for each in value):
            raise refuse(f"two rules are called '{twice}'; Azure's names ignore case")
        refused = next((each.fqdn or each.service_tag for each in value if not each.private_endpoint), None)
        if refused and "mode" in info.data and info.data.get("outbound") == "internet":
            raise refuse(
                f"the rule for {refused} needs `outbound: approved`: with internet the network lets out to every host, "
                "and Azure takes private endpoints alone",
                fix="azmlflow set network.outbound approved",
            )
        return value

    @field_validator("zones")
    @classmethod
    def _known(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if places.zones(value) and info.data.get("dns") == "policy":
            raise refuse("with `dns: policy` no zone is used", fix="azmlflow set --unset network.zones")
        return value

    @model_validator(mode="after")
    def _placed(self) -> Self:
        self.of_mode.check(self)
        return self

    @property
    def of_mode(self) -> Mode:
        """What its mode is."""
        return modes.MODES[self.mode]

    def has_subnet(self) -> bool:
        """Whether it has a subnet for computes, its own or one that is made."""
        return bool(self.computes) or self.ranges() is not None

    def ranges(self) -> tuple[str, str] | None:
        """The ranges of the subnets for endpoints and for computes, of a network that is made; None if none is."""
        if not self.of_mode.makes or places.is_id(self.endpoints):
            return None
        return places.divided(self.address_range, self.endpoints, self.computes)

    def has_endpoints(self) -> bool:
        """Whether people come by private endpoints."""
        return bool(self.endpoints) or self.ranges() is not None

    def private(self, group: str, workspace: str) -> Private | None:
        """What of it is private.

        Args:
            group: ARM id of the stack's resource group.
            workspace: name of the workspace.

        Returns:
            None where there are no private endpoints.
        """
        if not self.has_endpoints():
            return None
        endpoints, computes = self.ranges() or (self.endpoints or "", self.computes or "")
        return places.private(
            group,
            workspace,
            whole=self.address_range,
            endpoints=endpoints,
            computes=computes,
            given=places.zones(self.zones),
            policy=self.dns == "policy",
            approved=self.outbound == "approved",
        )

    def network(self) -> Network:
        """What it means for the stack's resources."""
        rules = tuple(each.rule() for each in self.rules)
        return Network(self.of_mode.closed, self.of_mode.isolation(self), rules, self.allowed_ips)
