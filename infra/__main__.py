"""The Pulumi program: settings, then components, then outputs, and nothing else.

`pulumi up` runs this folder; `azmlflow up` calls `main` as an inline program.
"""

import dataclasses
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pulumi
from pulumi_azure_native import authorization

from azmlflow.infra.components.access import Access
from azmlflow.infra.components.compute import ComputeCluster, ComputeClusterArgs
from azmlflow.infra.components.parts.arguments import MlflowWorkspaceArgs
from azmlflow.infra.components.parts.grants import AccessArgs
from azmlflow.infra.components.workspace import MlflowWorkspace
from azmlflow.infra.plan import identifiers, networks, outputs, tags
from azmlflow.infra.plan.guardrails import logged_id
from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.network.network import check_endpoints
from azmlflow.infra.settings.security.given import check_subscription, given_ids
from azmlflow.infra.settings.settings import Settings


def main() -> None:
    """Declare the stack that Pulumi is running; settings at fault raise pulumi.RunError, shown without a traceback."""
    try:
        declare()
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None


def declare() -> None:
    """Declare the stack that Pulumi is running.

    Raises:
        SettingsError: with every fault found.
    """
    settings = Settings.load()
    azure, stack, project = authorization.get_client_config(), pulumi.get_stack(), pulumi.get_project()
    given = given_ids(settings.identity, settings.registry)
    try:
        check_subscription(given, azure.subscription_id)
    except SettingsError as error:
        raise error.of_stack(stack) from None
    names = settings.names(stack, azure.subscription_id)
    place = settings.place(names, azure.subscription_id)
    guardrails = settings.guardrails()
    network = settings.network.network()
    ids = identifiers.in_group(names, azure.subscription_id)
    try:
        check_endpoints(network, ids)
    except SettingsError as error:
        raise error.of_stack(stack) from None
    # What `sweep` cannot know by its name.
    unknown = () if settings.names_are_generated() else ids
    marked = {**settings.tags, **tags.ownership(project, stack), **tags.record(unknown)}

    mlflow = MlflowWorkspace(
        identifiers.WORKSPACE_NAME,
        MlflowWorkspaceArgs(
            settings.location,
            azure.tenant_id,
            tags=marked,
            group_tags=tags.life(settings.created_on, settings.owner, settings.expires_on),
            purge_protection=settings.purge_protection,
            storage_auth=settings.storage_auth,
            closed=network.closed,
            isolation=network.isolation,
            # Azure builds no images with a registry that is closed, unless a compute does.
            image_build_compute=settings.clusters[0].name if network.closed and settings.clusters else None,
            protect=settings.protects(),
            container_registry_id=given["registry"],
            **settings.identity.arguments(),
            **dataclasses.asdict(names),
        ),
    )
    rules = _let_out(settings, mlflow) if network.rules else []
    for cluster in settings.clusters_to_make():
        args = ComputeClusterArgs(
            mlflow.resource_group,
            mlflow.workspace_name,
            settings.location,
            tags=marked,
            **cluster.model_dump(),
        )
        # A compute is what Azure builds the managed network at, if nobody did before.
        ComputeCluster(cluster.name, args, pulumi.ResourceOptions(deleted_with=mlflow.group, depends_on=rules))
    if settings.instances:
        _people(settings, mlflow, azure.tenant_id, marked, rules)
    grants = settings.grants_on(datetime.now(UTC).date())
    if guardrails:
        _watch(settings, mlflow, tags.owner(project, stack))
    access = AccessArgs.of(place, grants, tags.owner(project, stack), settings.strict_tracker, settings.identities())
    Access(identifiers.ACCESS_NAME, access, pulumi.ResourceOptions(depends_on=[mlflow.workspace]))
    outputs.export(
        subscription_id=azure.subscription_id,
        clusters=[cluster.model_dump(by_alias=True) for cluster in settings.clusters],
        grants=[outputs.grant(grant, place) for grant in grants],
        **mlflow.told(),
    )


def _let_out(settings: Settings, mlflow: MlflowWorkspace) -> list[pulumi.Resource]:
    """Declare what the managed network lets out to."""
    from azmlflow.infra.components.outbound import OutboundRuleArgs, OutboundRules, OutboundRulesArgs

    given: Any = [each.model_dump(exclude_unset=True) for each in settings.network.rules]
    rules: list[OutboundRuleArgs] = given
    args = OutboundRulesArgs(mlflow.resource_group, mlflow.workspace_name, rules)
    return [*OutboundRules(networks.OUTBOUND_NAME, args, pulumi.ResourceOptions(deleted_with=mlflow.group)).rules]


def _people(
    settings: Settings, mlflow: MlflowWorkspace, tenant: str, marked: dict[str, str], rules: list[pulumi.Resource]
) -> None:
    """Declare the compute instances."""
    from azmlflow.infra.components.instance import ComputeInstance, ComputeInstanceArgs  # few stacks have any

    for instance in settings.instances_to_make():
        given: Any = instance.model_dump()
        args = ComputeInstanceArgs(
            mlflow.resource_group,
            mlflow.workspace_name,
            settings.location,
            tenant_id=tenant,
            tags=marked,
            **given,
        )
        ComputeInstance(instance.name, args, pulumi.ResourceOptions(deleted_with=mlflow.group, depends_on=rules))


def _watch(settings: Settings, mlflow: MlflowWorkspace, note: str) -> None:
    """Declare what watches over a workspace, by the settings."""
    # Few stacks have any, and everybody would wait for the import.
    from azmlflow.infra.components.guardrails import Guardrails, GuardrailsArgs

    wanted, budget = settings.guardrails(), settings.budget
    parts = {
        "workspace": mlflow.workspace,
        "storage": mlflow.account,
        "vault": mlflow.vault,
        "registry": mlflow.registry,
    }
    ids = {part: resource.id for part, resource in parts.items() if resource is not None}
    args = GuardrailsArgs(
        tags.LOCK_NAME,
        mlflow.group.id,
        log_analytics_id=mlflow.logs.id,
        watched={part: ids[part].apply(partial(logged_id, part)) for part in wanted.watched()},
        locked={part: ids[part] for part in wanted.locked()},
        note=note,
        monthly_budget=budget.monthly if budget else None,
        budget_mail=list(budget.mail) if budget else None,
        budget_start=datetime.now(UTC).date().replace(day=1).isoformat(),
    )
    Guardrails(identifiers.GUARDRAILS_NAME, args, pulumi.ResourceOptions(deleted_with=mlflow.group))


if __name__ == "__main__":
    main()
