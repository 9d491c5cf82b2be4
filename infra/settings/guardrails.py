"""The settings of what watches over a stack: logs, locks, a budget, what keeps its data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from azmlflow.infra.settings.fields import SettingsModel

# Azure tells fifty addresses at most (Microsoft, "Budgets", REST 2024-08-01).
_Mail = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class BudgetSettings(SettingsModel):
    """A monthly budget, and who is told when it comes near."""

    monthly: float = Field(
        description="What the resource group may cost a month, in the currency of the bill.",
        ge=1,
        allow_inf_nan=False,
        examples=[500],
    )
    mail: tuple[_Mail, ...] = Field(
        description="E-mail addresses that are told at 80 and 100 percent, and when 100 percent is foreseen.",
        min_length=1,
        max_length=50,
        examples=[["ml-team@contoso.com"]],
    )

    def arguments(self) -> dict[str, Any]:
        """The same as arguments of `Guardrails`."""
        return {"monthly_budget": self.monthly, "budget_mail": list(self.mail)}


Diagnostics = Annotated[
    bool,
    Field(
        description="Send the logs of workspace, blobs, key vault and registry to the stack's Log Analytics, which "
        "Azure bills by the gigabyte. What is given by id is its owner's to watch.",
        examples=["true"],
    ),
]
Locks = Annotated[
    bool,
    Field(
        description="Lock key vault, registry and storage account against deletion, by whomever; `azmlflow down` "
        "takes the locks away first. With identity-based storage the account is left out: a lock on it would keep "
        "people's roles on it from being taken away. What is given by id is not locked.",
        examples=["true"],
    ),
]
PurgeProtection = Annotated[
    bool,
    Field(
        validate_default=True,
        description="Protect the key vault from purging. It cannot be switched off again, nor the vault's name "
        "reused before 90 days have passed.",
        examples=["false"],
    ),
]
Protect = Annotated[
    bool | None,
    Field(
        description="Have Pulumi refuse to delete what holds data (storage account, key vault, workspace, registry, "
        "logs, group), whatever the program says; `azmlflow down` takes the protection away after it asked. Default: "
        "true on Azure, false on the embedded one.",
        examples=["true"],
    ),
]
OnSoftDeleted = Annotated[
    Literal["fail", "recover", "purge", "rename"],
    Field(
        description="What `azmlflow up` does where a soft-deleted key vault or workspace holds a name: stop, and name "
        "the commands; bring back what was this stack's; purge it, with its data, for good; or take other names, by "
        "another salt.",
        examples=["recover"],
    ),
]
