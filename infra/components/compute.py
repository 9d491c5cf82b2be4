"""`ComputeCluster`: a cluster of virtual machines that scales between two sizes and runs a workspace's jobs.

The rule: a cluster dies with its resource group, never by itself at the engine's hand. Azure's DELETE of a compute
wants the query parameter `underlyingResourceAction`, which the provider doesn't send; so `deleted_with` is demanded,
and one cluster alone is removed over ARM by `azmlflow up` before the engine's turn.
"""

import pulumi
from pulumi_azure_native import machinelearningservices

from azmlflow.infra.components.arguments import checked, given
from azmlflow.infra.components.drawn import ComputeClusterArgs
from azmlflow.infra.plan import identifiers
from azmlflow.infra.settings.computes.clusters import ClusterSettings
from azmlflow.infra.settings.computes.compute import ComputeSettings
from azmlflow.infra.settings.fields import sent

# What no setting says, and Azure, or whoever made a cluster that was taken over, has filled in; none of it changes.
_FILLED_IN = [
    "properties.computeLocation",
    "properties.description",
    "properties.properties.isolatedNetwork",
    "properties.properties.osType",
    "properties.properties.remoteLoginPortPublicAccess",
]


class ComputeCluster(pulumi.ComponentResource):
    """A compute cluster of a workspace. Its option `deletedWith` must name the resource group, or the `MlflowWorkspace`
    that holds it."""

    cluster_id: pulumi.Output[str]
    """ARM id of the cluster."""
    cluster_name: pulumi.Output[str]
    """Name of the cluster."""

    def __init__(self, name: str, args: ComputeClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the cluster.

        Args:
            name: logical name.
            args: what it is made of.
            opts: Pulumi's options, with the resource group as `deleted_with`.

        Raises:
            ValueError: no `deleted_with`; the cluster could never be destroyed. Or a value is out of its bounds.
        """
        group = dies_with(name, "ComputeCluster", opts)
        super().__init__(identifiers.CLUSTER, name, None, opts)
        args = given(ComputeClusterArgs, args)
        wanted = checked(ClusterSettings, args)
        cluster = machinelearningservices.Compute(
            identifiers.cluster_resource_name(name),
            compute_name=wanted.name,
            workspace_name=args.workspace_name,
            resource_group_name=args.resource_group_name,
            location=args.location,
            identity=identity(wanted),
            properties=machinelearningservices.AmlComputeArgs(
                compute_type="AmlCompute",
                # No passwords or keys on the nodes: sign-in by the directory only.
                disable_local_auth=True,
                properties=machinelearningservices.AmlComputePropertiesArgs(
                    **sent(wanted),
                    os_type=machinelearningservices.OsType.LINUX,
                    remote_login_port_public_access=machinelearningservices.RemoteLoginPortPublicAccess.DISABLED,
                ),
            ),
            tags=args.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                deleted_with=group,
                depends_on=opts.depends_on if opts else None,
                ignore_changes=_FILLED_IN,
            ),
        )
        self.cluster_id = cluster.id
        self.cluster_name = cluster.name
        self.register_outputs({"clusterId": self.cluster_id, "clusterName": self.cluster_name})


def identity(wanted: ComputeSettings) -> machinelearningservices.ManagedServiceIdentityArgs | None:
    """The identities of a compute, as Azure takes them; None for none."""
    kind = wanted.identity_type()
    ids = list(wanted.identities) or None
    return machinelearningservices.ManagedServiceIdentityArgs(type=kind, user_assigned_identities=ids) if kind else None


def dies_with(name: str, component: str, opts: pulumi.ResourceOptions | None) -> pulumi.Resource:
    """The resource group that a compute goes with.

    Raises:
        ValueError: the options name none.
    """
    group = opts.deleted_with if opts else None
    if group is None:
        raise ValueError(
            f"{component} '{name}' needs its resource group as the option deleted_with: "
            "Azure refuses the provider's own deletion of a compute"
        )
    return group
