"""The settings of one outbound rule of a managed network.

Source: Microsoft, "Workspace managed virtual network isolation": a host by its name, on ports 80 and 443; a service
tag; a private endpoint. Storage accounts are reached by private endpoints only.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from azmlflow.infra.plan.networks import RULE, Rule
from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.fields import SettingsModel
from azmlflow.infra.settings.network.ids import resource
from azmlflow.resourcetypes.bounds import FQDN, NAMES

EXAMPLE = (
    "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg-data/providers/Microsoft.Sql/servers/sql"
)
_STORAGE = re.compile(r"\.(blob|file|queue|table|dfs|web)\.core\.windows\.net$", re.IGNORECASE)
# A field that says more of another.
_OF = {"protocol": "service_tag", "ports": "service_tag", "target": "private_endpoint"}


class RuleSettings(SettingsModel):
    """One outbound rule: a host, a service tag or a private endpoint."""

    name: str | None = Field(
        None,
        description="Its name in Azure. Default: made from what it lets out to.",
        pattern=f"^{NAMES[RULE]}$",
        examples=["pypi"],
    )
    fqdn: str | None = Field(
        None,
        description="A host that is let out to, on ports 80 and 443, or all hosts below one (*.example.com). The first "
        "such rule makes Azure add a firewall to the managed network, which costs by the hour.",
        examples=["example.com"],
    )
    service_tag: str | None = Field(
        None,
        description="A service tag of Azure that is let out to.",
        pattern=r"^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9_]+)*$",
        max_length=80,
        examples=["AzureFrontDoor.FirstParty"],
    )
    private_endpoint: str | None = Field(
        None,
        description="ARM id of a resource that Azure makes a private endpoint to; never of what the workspace itself "
        "stands on, to which Azure makes them unasked.",
        examples=[EXAMPLE],
    )
    protocol: Literal["TCP", "UDP", "ICMP", "*"] = Field(
        "TCP", description="Protocol of a service tag's rule.", examples=["TCP"]
    )
    ports: str = Field(
        "443",
        description="Ports of a service tag's rule.",
        pattern=r"^(\*|[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*)$",
        examples=["443"],
    )
    target: str | None = Field(
        None,
        description="Which part of the resource a private endpoint leads to (Azure's word: the sub-resource).",
        pattern=r"^[A-Za-z][A-Za-z0-9_]*$",
        examples=["blob"],
    )

    @field_validator("fqdn")
    @classmethod
    def _host(cls, value: str | None) -> str | None:
        if value is None:
            return value
        if re.fullmatch(FQDN, value) is None:
            raise refuse(f"'{value}' is not a host's name, such as example.com or *.example.com")
        if _STORAGE.search(value):
            raise refuse(
                f"'{value}' is a storage account's, which Azure lets out to by a private endpoint only: "
                "{privateEndpoint: its id, target: blob}"
            )
        return value.lower()

    @field_validator("private_endpoint")
    @classmethod
    def _resource(cls, value: str | None) -> str | None:
        return value and resource(value)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [name for name in ("fqdn", "service_tag", "private_endpoint") if getattr(self, name)]
        if len(kinds) != 1:
            raise refuse(
                "a rule is one of fqdn, serviceTag and privateEndpoint; this one has " + (_all(kinds) or "none")
            )
        for name, kind in _OF.items():
            if name in self.model_fields_set and kind not in kinds:
                raise refuse(f"{name} belongs to a rule with {_key(kind)}, and this one has {_all(kinds)}")
        if self.private_endpoint and not self.target:
            raise refuse("a privateEndpoint needs a target, such as blob, vault or sqlServer")
        return self

    def rule(self) -> Rule:
        """The rule as Azure takes it, under its name, or one that follows from what it lets out to."""
        rule = self._rule()
        return replace(rule, name=self.name) if self.name else rule

    def _rule(self) -> Rule:
        if self.fqdn:
            return Rule(_named("fqdn", self.fqdn), {"type": "FQDN", "destination": self.fqdn})
        if self.private_endpoint:
            destination: dict[str, Any] = {
                "serviceResourceId": self.private_endpoint,
                "subresourceTarget": self.target,
                "sparkEnabled": False,
            }
            name = _named("pe", f"{self.private_endpoint}/{self.target}".lower(), self.private_endpoint)
            return Rule(name, {"type": "PrivateEndpoint", "destination": destination})
        destination = {
            "serviceTag": self.service_tag,
            "protocol": self.protocol,
            "portRanges": self.ports,
            "action": "Allow",
        }
        name = _named("tag", f"{self.service_tag}/{self.protocol}".lower(), self.service_tag or "")
        return Rule(name, {"type": "ServiceTag", "destination": destination})


def _named(kind: str, subject: str, shown: str = "") -> str:
    """A name that fits a line, and Azure's rule for it."""
    last = (shown or subject).rpartition("/")[2]
    slug = re.sub(r"[^A-Za-z0-9]+", "-", last).strip("-")[:12].strip("-").lower()
    return f"{kind}-{slug}-{hashlib.sha256(subject.encode()).hexdigest()[:6]}"


def _key(name: str) -> str:
    return str(RuleSettings.model_fields[name].alias)


def _all(names: list[str]) -> str:
    return " and ".join(_key(name) for name in names)
