"""`Datastore`: a name in a workspace for a container, a share or a file system, without a credential."""

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import machinelearningservices as azure_ml

from azmlflow.infra.components.arguments import given
from azmlflow.infra.plan import records
from azmlflow.rbac import scopes

TYPE = records.component("Datastore")
# Azure changes none of these (Microsoft, "Datastores", REST); a datastore holds nothing, so another takes its place.
_FIXED = (
    "accountName", "containerName", "fileShareName", "filesystem", "datastoreType", "resourceGroup", "subscriptionId",
    "serviceDataAccessAuthIdentity",
)  # fmt: skip


@dataclass(frozen=True)
class DatastoreArgs:
    """What a `Datastore` is made of."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the workspace."""
    workspace_name: pulumi.Input[str]
    """The workspace."""
    account_id: pulumi.Input[str]
    """ARM id of the storage account."""
    container: pulumi.Input[str]
    """Name of the container, share or file system."""
    name: str
    """Its name in the workspace."""
    type: str | None = "blob"
    """`blob`, `file` or `dataLake`."""
    service_identity: str | None = "None"
    """As whom Azure's own services open it: None (who asks), WorkspaceSystemAssignedIdentity or
    WorkspaceUserAssignedIdentity."""


class Datastore(pulumi.ComponentResource):
    """A datastore of a workspace that holds no credential: it is opened as whoever asks."""

    datastore_id: pulumi.Output[str]
    """ARM id of the datastore."""

    def __init__(self, name: str, args: DatastoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the datastore.

        Args:
            name: logical name.
            args: what it is made of.
            opts: Pulumi's options; `deleted_with` the resource group spares requests.

        Raises:
            ValueError: its type is none of the three.
        """
        super().__init__(TYPE, name, None, opts)
        args = given(DatastoreArgs, args)
        account = pulumi.Output.from_input(args.account_id).apply(scopes.parse)
        made = azure_ml.Datastore(
            f"{name}-datastore",
            name=args.name,
            workspace_name=args.workspace_name,
            resource_group_name=args.resource_group_name,
            properties=_properties(args, account),
            opts=pulumi.ResourceOptions(
                parent=self,
                deleted_with=opts.deleted_with if opts else None,
                replace_on_changes=[f"properties.{each}" for each in _FIXED],
                delete_before_replace=True,
                ignore_changes=["properties.endpoint", "properties.protocol"],  # Azure's own, in what is imported
            ),
        )
        self.datastore_id = made.id
        self.register_outputs({"datastoreId": made.id})


def _properties(
    args: DatastoreArgs, account: "pulumi.Output[scopes.ResourceId]"
) -> azure_ml.AzureBlobDatastoreArgs | azure_ml.AzureFileDatastoreArgs | azure_ml.AzureDataLakeGen2DatastoreArgs:
    common: dict[str, Any] = {
        "account_name": account.apply(lambda found: found.name),
        "resource_group": account.apply(lambda found: found.resource_group or ""),
        "subscription_id": account.apply(lambda found: found.subscription or ""),
        "credentials": azure_ml.NoneDatastoreCredentialsArgs(credentials_type="None"),
        "service_data_access_auth_identity": args.service_identity or "None",
    }
    where = args.container
    if args.type in (None, "blob"):
        return azure_ml.AzureBlobDatastoreArgs(container_name=where, datastore_type="AzureBlob", **common)
    if args.type == "file":
        return azure_ml.AzureFileDatastoreArgs(file_share_name=where, datastore_type="AzureFile", **common)
    if args.type == "dataLake":
        return azure_ml.AzureDataLakeGen2DatastoreArgs(filesystem=where, datastore_type="AzureDataLakeGen2", **common)
    raise ValueError(f"a datastore is of blob, file or dataLake, not of {args.type}")
