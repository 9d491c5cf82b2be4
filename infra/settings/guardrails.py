"""The settings of what watches over a stack: logs, locks, a budget."""

from __future__ import annotations

from typing import Annotated

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
