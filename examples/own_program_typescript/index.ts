// azmlflow's components in TypeScript: `pulumi-resource-azmlflow` on PATH serves them. `pulumi package add` writes such
// classes, with all of their arguments and outputs, where Pulumi's own Node host is.
import * as pulumi from "@pulumi/pulumi";

class MlflowWorkspace extends pulumi.ComponentResource {
  declare readonly resourceGroup: pulumi.Output<string>;
  declare readonly workspaceName: pulumi.Output<string>;
  declare readonly workspaceId: pulumi.Output<string>;
  declare readonly trackingUri: pulumi.Output<string>;
  declare readonly studioUrl: pulumi.Output<string>;
  declare readonly storageAccount: pulumi.Output<string>;

  constructor(name: string, args: pulumi.Inputs, options?: pulumi.ComponentResourceOptions) {
    const outputs = ["resourceGroup", "workspaceName", "workspaceId", "trackingUri", "studioUrl", "storageAccount"];
    const unknown = Object.fromEntries(outputs.map(each => [each, undefined]));
    super("azmlflow:index:MlflowWorkspace", name, { ...unknown, ...args }, options, true);
  }
}

class ComputeCluster extends pulumi.ComponentResource {
  constructor(name: string, args: pulumi.Inputs, options?: pulumi.ComponentResourceOptions) {
    super("azmlflow:index:ComputeCluster", name, args, options, true);
  }
}

const mlflow = new MlflowWorkspace("mlflow", {
  location: "westeurope",
  prefix: "ts",
  // By them `azmlflow down` knows what is this stack's.
  tags: { "azmlflow-project": pulumi.getProject(), "azmlflow-stack": pulumi.getStack() },
});
new ComputeCluster(
  "cpu",
  {
    resourceGroupName: mlflow.resourceGroup,
    workspaceName: mlflow.workspaceName,
    location: "westeurope",
    name: "cpu",
  },
  { deletedWith: mlflow },
);

export const subscriptionId = mlflow.workspaceId.apply(id => id.split("/")[2]);
export const { resourceGroup, workspaceName, workspaceId, trackingUri, studioUrl, storageAccount } = mlflow;
export const clusters: string[] = [];
export const grants: string[] = [];
