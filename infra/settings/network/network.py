"""The settings of a stack's network. One word, `mode`, closes workspace, storage account, key vault and registry alike.

Source: Microsoft, "Workspace managed virtual network isolation". What Azure refuses is refused here, with the reason
and the nearest that works.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from azmlflow.infra.plan.networks import APPROVED, INTERNET, Mode, Network
from azmlflow.infra.settings.faults import Fault, SettingsError, refuse
from azmlflow.infra.settings.fields import SettingsModel
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.infra.settings.network.rules import RuleSettings

# What belongs to which modes.
_BELONGS: Mapping[str, tuple[str, ...]] = {"outbound": ("managed",), "rules": ("managed",)}


class NetworkSettings(SettingsModel):
    """Who reaches a workspace and what it stands on, and whom its computes reach."""

    mode: Mode = Field(
        "public",
        description="public: everybody who may sign in reaches workspace, storage account, key vault and registry; "
        "managed: all of them are closed to the internet, and computes are in a network that Azure keeps for the "
        "workspace, for good: it cannot be taken away again.",
        examples=["managed"],
    )
    outbound: Literal["internet", "approved"] = Field(
        "internet",
        description="Whom the computes of a managed network reach: the whole internet, or what Azure Machine Learning "
        "needs and `rules` allow. Azure does not open approved again to internet.",
        examples=["approved"],
    )
    rules: tuple[RuleSettings, ...] = Field(
        (), description="What a managed network lets out to; hosts and service tags need `outbound: approved`."
    )

    @field_validator(*_BELONGS)
    @classmethod
    def _of_the_mode(cls, value: Any, info: ValidationInfo) -> Any:
        mode, key = info.data.get("mode"), str(info.field_name)
        if mode is not None and mode not in _BELONGS[key]:
            raise refuse(
                f"belongs to mode {' or '.join(_BELONGS[key])}, and the mode is {mode}",
                fix=f"azmlflow set --unset network.{to_camel(key)}",
            )
        return value

    @field_validator("rules")
    @classmethod
    def _fitting(cls, value: tuple[RuleSettings, ...], info: ValidationInfo) -> tuple[RuleSettings, ...]:
        seen: set[str] = set()
        for each in value:
            name = each.rule().name
            if name in seen:
                raise refuse(f"two rules let out to the same, {each.fqdn or each.service_tag or each.private_endpoint}")
            seen.add(name)
        refused = next((each.fqdn or each.service_tag for each in value if not each.private_endpoint), None)
        if refused and info.data.get("mode") == "managed" and info.data.get("outbound") == "internet":
            raise refuse(
                f"the rule for {refused} needs `outbound: approved`: with internet the network lets out to every host, "
                "and Azure takes private endpoints alone",
                fix="azmlflow set network.outbound approved",
            )
        return value

    def network(self) -> Network:
        """What it means for the stack's resources."""
        isolation = {"internet": INTERNET, "approved": APPROVED}[self.outbound] if self.mode == "managed" else None
        return Network(self.mode, isolation, tuple(each.rule() for each in self.rules))


def check_endpoints(network: Network, ids: Iterable[str]) -> None:
    """Refuse rules for private endpoints that Azure makes by itself.

    Args:
        network: the stack's.
        ids: of the workspace and what it stands on.

    Raises:
        SettingsError: naming each such rule.
    """
    faults = [
        Fault(
            f"{NAMESPACE}:network.rules[{number}].privateEndpoint",
            f"leads to the stack's own {called}: Azure makes that private endpoint by itself, and refuses another",
            f"edit {NAMESPACE}:network in Pulumi.<stack>.yaml and take this rule out, then azmlflow up",
        )
        for number, called in network.own(ids)
    ]
    if faults:
        raise SettingsError(faults)
