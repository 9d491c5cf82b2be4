"""`OnlineEndpoint`: registered models as a web service, whose traffic moves when what gets it answers.

The rules:
- the endpoint is made once, without traffic, which names deployments that need the endpoint. azure-native has no
  resource of the traffic alone, so a template writes the endpoint whole, after all deployments;
- another version of a model is another deployment (`infra/plan/serving.py`). The engine deletes what is no longer
  declared at its end, so the old one goes when nothing is sent there any more, and stays if the new one fails.
"""

from typing import Any

import pulumi
from pulumi_azure_native import authorization, machinelearningservices, resources

from azmlflow.infra.components.arguments import checked, given
from azmlflow.infra.components.drawn import OnlineEndpointArgs
from azmlflow.infra.plan import serving
from azmlflow.infra.settings.contents.endpoints import LATEST, DeploymentSettings, EndpointSettings
from azmlflow.rbac import scopes

_MODELS = "Microsoft.MachineLearningServices/workspaces/models/versions"
# What no setting says, and Azure, or whoever tuned a deployment elsewhere, has filled in.
_FILLED_IN = [
    "kind",
    *(
        f"properties.{name}"
        for name in (
            "appInsightsEnabled", "dataCollector", "description", "egressPublicNetworkAccess", "environmentVariables",
            "livenessProbe", "properties", "readinessProbe", "requestSettings", "scaleSettings",
        )
    ),
]  # fmt: skip


class OnlineEndpoint(pulumi.ComponentResource):
    """An online endpoint of a workspace with its deployments and their traffic, which moves last. For the version
    `latest`, names of group and workspace are no outputs, since it is looked up first. Other identities make
    another endpoint in its place, before which Azure wants its traffic to be 0, or `azmlflow up` deletes it."""

    endpoint_id: pulumi.Output[str]
    """ARM id of the endpoint."""
    scoring_uri: pulumi.Output[str]
    """Where requests for predictions go."""

    def __init__(self, name: str, args: OnlineEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the endpoint.

        Args:
            name: logical name.
            args: what it is made of.
            opts: Pulumi's options; `deleted_with` the resource group spares requests.

        Raises:
            ValueError: a value is out of its bounds; or `latest` is asked for in a workspace whose name is an output,
                or of a model that is not there.
        """
        # The engine has children go with what their parent goes with, and the template's deployment does not.
        apart = pulumi.ResourceOptions.merge(opts, None)
        apart.deleted_with = None
        super().__init__(serving.COMPONENT, name, None, apart)
        args = given(OnlineEndpointArgs, args)
        wanted = checked(EndpointSettings, args)
        # First of all, since a model may not be there.
        deployed = [self._pinned(args, each) for each in wanted.deployments]
        identity = _identity(wanted)
        properties: dict[str, Any] = {
            "authMode": serving.MODES[wanted.auth],
            "publicNetworkAccess": "Disabled" if args.closed else "Enabled",
        }
        endpoint = machinelearningservices.OnlineEndpoint(
            f"{name}-endpoint",
            endpoint_name=wanted.name,
            workspace_name=args.workspace_name,
            resource_group_name=args.resource_group_name,
            location=args.location,
            identity=machinelearningservices.ManagedServiceIdentityArgs(
                type=identity["type"], user_assigned_identities=list(wanted.identities) or None
            ),
            properties=machinelearningservices.OnlineEndpointPropertiesArgs(
                auth_mode=properties["authMode"], public_network_access=properties["publicNetworkAccess"]
            ),
            tags=args.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                deleted_with=opts.deleted_with if opts else None,
                depends_on=opts.depends_on if opts else None,
                # The template's, which would else lose the traffic.
                ignore_changes=["properties", "tags", "kind", "sku"],
                replace_on_changes=["identity"],
                delete_before_replace=True,
            ),
        )
        shares = [serving.Share(_called(each), each.traffic, each.mirror) for each in deployed]
        deployments = [self._deployment(name, args, endpoint, each) for each in deployed]
        body = {"location": args.location, "tags": args.tags or {}, "identity": identity, "properties": properties}
        made = endpoint.system_data.apply(lambda told: (told.created_at if told else None) or "")
        template = pulumi.Output.all(workspace=args.workspace_name, body=body, made=made).apply(
            lambda told: serving.template(told["workspace"], wanted.name, told["body"], shares, told["made"])
        )
        resources.Deployment(
            f"{name}-traffic",
            deployment_name=f"{wanted.name}-traffic",
            resource_group_name=args.resource_group_name,
            properties=resources.DeploymentPropertiesArgs(mode=resources.DeploymentMode.INCREMENTAL, template=template),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[endpoint, *deployments]),
        )
        self.endpoint_id = endpoint.id
        self.scoring_uri = endpoint.properties.apply(lambda told: told.scoring_uri or "")
        self.register_outputs({"endpointId": self.endpoint_id, "scoringUri": self.scoring_uri})

    def _deployment(
        self,
        name: str,
        args: OnlineEndpointArgs,
        endpoint: machinelearningservices.OnlineEndpoint,
        wanted: DeploymentSettings,
    ) -> machinelearningservices.OnlineDeployment:
        return machinelearningservices.OnlineDeployment(
            f"{name}-{_called(wanted)}",
            deployment_name=_called(wanted),
            endpoint_name=endpoint.name,
            workspace_name=args.workspace_name,
            resource_group_name=args.resource_group_name,
            location=args.location,
            sku=machinelearningservices.SkuArgs(name="Default", capacity=wanted.instance_count),
            properties=machinelearningservices.ManagedOnlineDeploymentArgs(
                endpoint_compute_type="Managed",
                model=self._model_id(args, wanted),
                instance_type=wanted.instance_type,
            ),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=endpoint, ignore_changes=_FILLED_IN),
        )

    def _model_id(self, args: OnlineEndpointArgs, wanted: DeploymentSettings) -> pulumi.Output[str]:
        subscription = args.subscription_id
        if subscription is None:
            asked = pulumi.InvokeOptions(parent=self)
            subscription = authorization.get_client_config_output(asked).subscription_id
        return pulumi.Output.all(subscription, args.resource_group_name, args.workspace_name).apply(
            lambda place: scopes.resource_id(
                str(place[0]), str(place[1]), _MODELS, str(place[2]), wanted.model, wanted.version
            )
        )

    def _pinned(self, args: OnlineEndpointArgs, wanted: DeploymentSettings) -> DeploymentSettings:
        """A deployment of `latest` with the version that this is now: what is declared is called after it."""
        if wanted.version != LATEST:
            return wanted
        model, group, workspace = wanted.model, args.resource_group_name, args.workspace_name
        if not isinstance(group, str) or not isinstance(workspace, str):
            raise ValueError(
                f"the version `latest` of {model} needs names of group and workspace that are no outputs: what is "
                "declared is called after it"
            )
        try:
            asked = pulumi.InvokeOptions(parent=self)
            found = machinelearningservices.get_model_container(model, group, workspace, asked).properties
        except Exception as fault:
            if not any(word in str(fault) for word in ("404", "NotFound")):
                raise
            raise ValueError(
                f"there is no model {model} in workspace {workspace}: register it first, then declare its deployment"
            ) from fault
        if not found.latest_version:
            raise ValueError(f"the model {model} in workspace {workspace} has no version")
        return wanted.model_copy(update={"version": found.latest_version})


def _called(wanted: DeploymentSettings) -> str:
    return serving.deployment_name(wanted.name, wanted.model, wanted.version, wanted.instance_type)


def _identity(wanted: EndpointSettings) -> dict[str, Any]:
    if not wanted.identities:
        return {"type": "SystemAssigned"}
    return {"type": "UserAssigned", "userAssignedIdentities": {id_: {} for id_ in wanted.identities}}
