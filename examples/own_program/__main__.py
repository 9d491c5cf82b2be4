"""A program of one's own: a workspace by azmlflow's components, and beside it an identity that may track in it.

`azmlflow up` runs it, and `pulumi up` where `azmlflow env --engine` has set the shell up.
"""

import pulumi
from pulumi_azure_native import authorization, managedidentity

from azmlflow.infra.components import (
    Access,
    AccessArgs,
    ComputeCluster,
    ComputeClusterArgs,
    MlflowWorkspace,
    MlflowWorkspaceArgs,
)
from azmlflow.infra.plan import outputs, tags

REGION = "westeurope"

ours = tags.ownership(pulumi.get_project(), pulumi.get_stack())  # by them `azmlflow down` knows what is this stack's
mlflow = MlflowWorkspace("mlflow", MlflowWorkspaceArgs(REGION, prefix="own", tags={**ours, "team": "research"}))
dies_with_it = pulumi.ResourceOptions(deleted_with=mlflow.group)
ComputeCluster(
    "cpu", ComputeClusterArgs(mlflow.resource_group, mlflow.workspace_name, REGION, "cpu", tags=ours), dies_with_it
)
pipeline = managedidentity.UserAssignedIdentity(
    "pipeline",
    resource_group_name=mlflow.resource_group,
    resource_name_="id-pipeline",
    location=REGION,
    tags=ours,
    opts=dies_with_it,
)
Access(
    "access",
    AccessArgs(
        mlflow.resource_group,
        mlflow.workspace_name,
        [
            {
                "name": "pipeline",  # its id is known only once it is there
                "principal_id": pipeline.principal_id,
                "principal_type": "ServicePrincipal",
                "persona": "tracker",
            }
        ],
    ),
    pulumi.ResourceOptions(depends_on=[mlflow.workspace]),
)
outputs.export(  # what azmlflow's commands want to know of a stack
    subscription_id=authorization.get_client_config_output().subscription_id, clusters=[], grants=[], **mlflow.told()
)
