"""The Pulumi program: settings, then components, then outputs, and nothing else.

`pulumi up` runs this folder; `azmlflow up` calls `main` as an inline program.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pulumi
from pulumi_azure_native import authorization

from azmlflow.infra.components.access import Access
from azmlflow.infra.components.compute import ComputeCluster
from azmlflow.infra.components.drawn import (
    ComputeClusterArgs,
    ComputeInstanceArgs,
    OnlineEndpointArgs,
    OutboundRuleArgs,
)
from azmlflow.infra.components.parts.aliases import without_versions
from azmlflow.infra.components.parts.arguments import MlflowWorkspaceArgs
from azmlflow.infra.components.parts.grants import AccessArgs
from azmlflow.infra.components.workspace import MlflowWorkspace
from azmlflow.infra.plan import identifiers, networks, outputs, tags
from azmlflow.infra.plan import private as privates
from azmlflow.infra.plan.guardrails import logged_id
from azmlflow.infra.plan.private import Private
from azmlflow.infra.settings.computes.instances import InstanceSettings
from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.fields import sent_to_parts
from azmlflow.infra.settings.network import standing
from azmlflow.infra.settings.network.combinations import fitted
from azmlflow.infra.settings.security.given import check_places
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
    pulumi.runtime.register_stack_transformation(without_versions)
    azure, stack, project = authorization.get_client_config(), pulumi.get_stack(), pulumi.get_project()
    note = tags.owner(project, stack)
    given = settings.given()
    names = settings.names(stack, azure.subscription_id)
    place = settings.place(names, azure.subscription_id)
    guardrails = settings.guardrails()
    network = settings.network.network()
    ids = identifiers.in_group(names, azure.subscription_id)
    private = settings.network.private(place.group_id, names.workspace)
    try:
        check_places(given, place.group_id)
        standing.check(network, private, ids)
    except SettingsError as error:
        raise error.of_stack(stack) from None
    # What `sweep` cannot know by its name.
    unknown = (*(() if settings.names_are_generated() else ids), *(private.in_group() if private else ()))
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
            allowed_ips=network.addresses or None,
            isolation=network.isolation,
            image_build_compute=settings.builds_images(),
            protect=settings.protects(),
            resource_group_id=given.get("group"),
            container_registry_id=given.get("registry"),
            storage_account_id=given.get("storage"),
            key_vault_id=given.get("vault"),
            application_insights_id=given.get("insights"),
            more=sent_to_parts(settings),
            **settings.identity.arguments(),
            **(settings.encryption.arguments() if settings.encryption else {}),
            **dataclasses.asdict(names),
        ),
    )
    rules = _let_out(settings, mlflow) if network.rules else []
    inside = [] if private is None else _private(private, mlflow, settings.location, marked, note)
    after = [*rules, *inside]
    for cluster in fitted(settings.clusters, settings.network, private):
        args = ComputeClusterArgs(
            mlflow.resource_group,
            mlflow.workspace_name,
            settings.location,
            tags=marked,
            **cluster.model_dump(),
        )
        # A compute is what Azure builds the managed network at, if nobody did before; and it reaches the workspace by
        # its endpoints.
        ComputeCluster(cluster.name, args, pulumi.ResourceOptions(deleted_with=mlflow.goes_with, depends_on=after))
    if settings.instances:
        people = fitted(settings.instances, settings.network, private)
        _people(people, mlflow, settings.location, {"tenant_id": azure.tenant_id, "tags": marked}, after)
    if settings.datastores:
        _datastores(settings, mlflow)
    grants = settings.grants_on(datetime.now(UTC).date())
    if guardrails:
        _watch(settings, mlflow, note)
    access = AccessArgs.of(place, grants, note, settings.strict_tracker, settings.identities())
    granted = Access(identifiers.ACCESS_NAME, access, pulumi.ResourceOptions(depends_on=[mlflow.workspace]))
    served = _serve(settings, mlflow, place, marked, [granted, *after]) if settings.endpoints else []
    outputs.export(
        subscription_id=azure.subscription_id,
        clusters=[cluster.model_dump(by_alias=True) for cluster in settings.clusters],
        grants=[outputs.grant(grant, place) for grant in grants],
        endpoints=served,
        **mlflow.told(),
    )


def _datastores(settings: Settings, mlflow: MlflowWorkspace) -> None:
    """Declare the datastores."""
    from azmlflow.infra.components.datastore import Datastore, DatastoreArgs  # few stacks have any

    ours = "WorkspaceUserAssignedIdentity" if settings.identity.user_assigned else "WorkspaceSystemAssignedIdentity"
    for each in settings.datastores:
        args = DatastoreArgs(
            mlflow.resource_group,
            mlflow.workspace_name,
            each.account or mlflow.workspace.storage_account.apply(lambda id_: id_ or ""),
            each.container,
            each.name,
            each.type,
            ours if each.identity == "workspace" else "None",
        )
        Datastore(each.name, args, pulumi.ResourceOptions(deleted_with=mlflow.goes_with))


def _serve(
    settings: Settings,
    mlflow: MlflowWorkspace,
    place: identifiers.Place,
    marked: dict[str, str],
    after: list[pulumi.Resource],
) -> list[dict[str, Any]]:
    """Declare the online endpoints; what the stack tells of them.

    Raises:
        RunError: the latest version of a model is meant that is not there.
    """
    from azmlflow.infra.components.serving import OnlineEndpoint  # few stacks have any

    told = []
    for each in settings.endpoints:
        # By plain names: the version of a model is looked up by them.
        args = OnlineEndpointArgs(
            place.resource_group,
            place.workspace,
            settings.location,
            closed=settings.network.network().closed,
            subscription_id=place.subscription_id,
            tags=marked,
            **each.model_dump(),
        )
        opts = pulumi.ResourceOptions(deleted_with=mlflow.goes_with, depends_on=[mlflow.workspace, *after])
        try:
            made = OnlineEndpoint(each.name, args, opts)
        except ValueError as fault:  # a model of which there is no latest version
            raise pulumi.RunError(f"endpoint {each.name}: {fault}") from None
        told.append({"name": each.name, "scoringUri": made.scoring_uri})
    return told


def _let_out(settings: Settings, mlflow: MlflowWorkspace) -> list[pulumi.Resource]:
    """Declare what the managed network lets out to."""
    from azmlflow.infra.components.outbound import OutboundRules, OutboundRulesArgs

    given: Any = [each.model_dump(exclude_unset=True) for each in settings.network.rules]
    rules: list[OutboundRuleArgs] = given
    args = OutboundRulesArgs(mlflow.resource_group, mlflow.workspace_name, rules)
    return [*OutboundRules(networks.OUTBOUND_NAME, args, pulumi.ResourceOptions(deleted_with=mlflow.goes_with)).rules]


def _people(
    instances: Iterable[InstanceSettings],
    mlflow: MlflowWorkspace,
    location: str,
    more: Mapping[str, Any],
    after: list[pulumi.Resource],
) -> None:
    """Declare the compute instances."""
    from azmlflow.infra.components.instance import ComputeInstance  # few stacks have any

    for instance in instances:
        given: Any = {**instance.model_dump(), **more}
        args = ComputeInstanceArgs(mlflow.resource_group, mlflow.workspace_name, location, **given)
        ComputeInstance(instance.name, args, pulumi.ResourceOptions(deleted_with=mlflow.goes_with, depends_on=after))


def _private(
    plan: Private, mlflow: MlflowWorkspace, location: str, marked: dict[str, str], note: str
) -> list[pulumi.Resource]:
    """Declare network, private endpoints and DNS; what a compute has to wait for."""
    from azmlflow.infra.components.endpoints import PrivateEndpoints, PrivateEndpointsArgs
    from azmlflow.infra.components.network import PrivateNetwork, PrivateNetworkArgs

    subnets: list[pulumi.Resource] = []
    if plan.made:
        made = PrivateNetworkArgs(
            mlflow.resource_group,
            location,
            plan.network_id.rpartition("/")[2],
            plan.security_group,
            plan.range,
            plan.endpoints,
            plan.computes,
            plan.approved,
            marked,
        )
        network = PrivateNetwork(privates.NETWORK_NAME, made, pulumi.ResourceOptions(deleted_with=mlflow.group))
        subnets = [network.endpoints, network.computes]
    args = PrivateEndpointsArgs(
        mlflow.resource_group,
        plan.group,
        location,
        plan.workspace,
        mlflow.ids,
        plan.endpoints_id,
        mlflow.principal_id,
        plan.made,
        plan.given,
        plan.policy,
        note,
        marked,
    )
    opts = pulumi.ResourceOptions(deleted_with=mlflow.group, depends_on=subnets)
    return PrivateEndpoints(privates.ENDPOINTS_NAME, args, opts).ready + subnets


def _watch(settings: Settings, mlflow: MlflowWorkspace, note: str) -> None:
    """Declare what watches over a workspace, by the settings."""
    # Few stacks have any, and everybody would wait for the import.
    from azmlflow.infra.components.guardrails import Guardrails, GuardrailsArgs

    wanted, budget = settings.guardrails(), settings.budget
    ids = mlflow.ids
    args = GuardrailsArgs(
        tags.LOCK_NAME,
        mlflow.group_id,
        log_analytics_id=mlflow.logs.id if mlflow.logs else None,
        watched={part: ids[part].apply(partial(logged_id, part)) for part in wanted.watched()},
        locked={part: ids[part] for part in wanted.locked()},
        note=note,
        **(budget.arguments() if budget else {}),
        budget_start=datetime.now(UTC).date().replace(day=1).isoformat(),
    )
    Guardrails(identifiers.GUARDRAILS_NAME, args, pulumi.ResourceOptions(deleted_with=mlflow.group))


if __name__ == "__main__":
    main()
