"""Where logs go: Log Analytics, and Application Insights over it."""

import pulumi
from pulumi_azure_native import applicationinsights, operationalinsights

from azmlflow.infra.components.parts.arguments import MlflowWorkspaceArgs
from azmlflow.resourcetypes.bounds import LOG_DAYS


def declare_logs(
    name: str, args: MlflowWorkspaceArgs, group: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> operationalinsights.Workspace:
    """The Log Analytics workspace that keeps what Application Insights and diagnostic settings send."""
    return operationalinsights.Workspace(
        f"{name}-logs",
        workspace_name=args.log_analytics,
        resource_group_name=group,
        location=args.location,
        sku=operationalinsights.WorkspaceSkuArgs(name=operationalinsights.WorkspaceSkuNameEnum.PER_GB2018),
        tags=args.tags,
        **{"retention_in_days": LOG_DAYS, **args.of("logs")},
        opts=opts,
    )


def declare_insights(
    name: str,
    args: MlflowWorkspaceArgs,
    group: pulumi.Input[str],
    logs: operationalinsights.Workspace | None,
    opts: pulumi.ResourceOptions,
) -> applicationinsights.Component:
    """Application Insights over the Log Analytics workspace. Its connection string and instrumentation key let anyone
    write telemetry, and the provider doesn't mark them secret."""
    return applicationinsights.Component(
        f"{name}-insights",
        resource_name_=args.application_insights,
        resource_group_name=group,
        location=args.location,
        kind="web",
        application_type=applicationinsights.ApplicationType.WEB,
        ingestion_mode=applicationinsights.IngestionMode.LOG_ANALYTICS,
        workspace_resource_id=logs.id if logs else None,
        tags=args.tags,
        **args.of("insights"),
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(additional_secret_outputs=["connection_string", "instrumentation_key"])
        ),
    )
