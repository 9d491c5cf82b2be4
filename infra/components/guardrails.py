"""`Guardrails`: logs, locks and a budget over a workspace and what it stands on.

Locks are taken away before what they keep: they are not `deleted_with` the group, which they would keep from going.
Never on the workspace or the group: Azure ML makes and removes computes there ("Do not apply resource locks to the
resource group that contains your workspace", Microsoft, "Create an Azure Machine Learning compute cluster").
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, consumption, monitor

from azmlflow.infra.components.arguments import given, not_handed_down
from azmlflow.infra.plan import identifiers

# What a blob service measures is called otherwise than everybody else's.
_BLOBS = "/blobServices/default"


@dataclass(frozen=True)
class GuardrailsArgs:
    """What `Guardrails` are made of."""

    name: str
    """Name of each lock and diagnostic setting, and of the budget."""
    resource_group_id: pulumi.Input[str]
    """ARM id of the resource group, which the budget is of."""
    log_analytics_id: pulumi.Input[str] | None = None
    """ARM id of the Log Analytics workspace that logs go to."""
    watched: Mapping[str, pulumi.Input[str]] | None = None
    """ARM ids of what sends its logs, by names of one's own; a storage account's blob service is one."""
    locked: Mapping[str, pulumi.Input[str]] | None = None
    """ARM ids of what is locked against deletion, by names of one's own."""
    note: str | None = None
    """What the locks say of whose they are."""
    monthly_budget: float | None = None
    """What the group may cost a month, in the currency of the bill; no budget without."""
    budget_mail: list[str] | None = None
    """E-mail addresses that are told at 80 and 100 percent, and when 100 percent is foreseen."""
    budget_start: str | None = None
    """First day of the month in which the budget begins, `2027-01-01`; Azure never lets it change."""


class Guardrails(pulumi.ComponentResource):
    """Diagnostic settings, locks and a budget over a workspace and what it stands on."""

    def __init__(self, name: str, args: GuardrailsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare them.

        Args:
            name: logical name, which the children's names begin with.
            args: what they are made of.
            opts: Pulumi's options; `deleted_with` the resource group spares requests.

        Raises:
            ValueError: logs without a place to go to, or a budget without addresses or start.
        """
        super().__init__(identifiers.GUARDRAILS, name, None, not_handed_down(opts))
        args = given(GuardrailsArgs, args)
        group = opts.deleted_with if opts else None
        within = pulumi.ResourceOptions(parent=self, deleted_with=group)
        if args.watched and args.log_analytics_id is None:
            raise ValueError(f"Guardrails '{name}' watch over resources, and need log_analytics_id to send logs to")
        for part, id_ in (args.watched or {}).items():
            _logged(f"{name}-logs-{part}", args, id_, within)
        for part, id_ in (args.locked or {}).items():
            authorization.ManagementLockByScope(
                f"{name}-lock-{part}",
                lock_name=args.name,
                scope=id_,
                level=authorization.LockLevel.CAN_NOT_DELETE,
                notes=args.note,
                opts=pulumi.ResourceOptions(parent=self),
            )
        if args.monthly_budget is not None:
            _budget(f"{name}-budget", args, within)
        self.register_outputs({})


def _logged(name: str, args: GuardrailsArgs, id_: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
    """All logs and metrics of a resource. By the group of categories: which categories there are changes with Azure."""
    metrics = pulumi.Output.from_input(id_).apply(lambda text: "Transaction" if text.endswith(_BLOBS) else "AllMetrics")
    monitor.DiagnosticSetting(
        name,
        name=args.name,
        resource_uri=id_,
        workspace_id=args.log_analytics_id,
        logs=[monitor.DiagnosticsLogSettingsArgs(category_group="allLogs", enabled=True)],
        metrics=[monitor.DiagnosticsMetricSettingsArgs(category=metrics, enabled=True)],
        # Azure answers a type of destination that nobody chose.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["logAnalyticsDestinationType"])),
    )


def _budget(name: str, args: GuardrailsArgs, opts: pulumi.ResourceOptions) -> None:
    if not args.budget_mail or args.budget_start is None:
        raise ValueError("a monthly_budget needs budget_mail and budget_start")

    def alert(threshold: int, kind: consumption.ThresholdType) -> consumption.NotificationArgs:
        return consumption.NotificationArgs(
            enabled=True,
            operator=consumption.OperatorType.GREATER_THAN_OR_EQUAL_TO,
            threshold=threshold,
            threshold_type=kind,
            contact_emails=list(args.budget_mail or ()),
        )

    kinds = consumption.ThresholdType
    consumption.Budget(
        name,
        budget_name=args.name,
        scope=args.resource_group_id,
        category=consumption.CategoryType.COST,
        amount=args.monthly_budget,
        time_grain=consumption.TimeGrainType.MONTHLY,
        time_period=consumption.BudgetTimePeriodArgs(start_date=f"{args.budget_start}T00:00:00Z"),
        notifications={
            "Actual80": alert(80, kinds.ACTUAL),
            "Actual100": alert(100, kinds.ACTUAL),
            "Forecast100": alert(100, kinds.FORECASTED),
        },
        # "Start date of budgets cannot be updated": the state keeps the first one.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["timePeriod"])),
    )
