"""What is told to be typed, as somebody types it: one line for each form of a command, in an order that works.

Written by hand: what a person would have typed, and what has to come of it. `tests/test_hints.py` holds that each
command that azmlflow tells is a form of one of these; `test_typed.py` types them.
"""

from __future__ import annotations

from dataclasses import dataclass

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"

VAULT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-keys/providers/Microsoft.KeyVault/vaults/kv-keys"
SUBNET = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet"
    "/subnets/snet-ml"
)


@dataclass(frozen=True)
class Typed:
    """A line.

    Attributes:
        line: what is typed, in a shell.
        says: what is in the answer, on either stream.
        code: the exit code.
    """

    line: str
    says: str = ""
    code: int = 0


# Each in a folder of its own, where nothing was before.
FIRST = (
    Typed("azmlflow init", "Pulumi.local.yaml"),
    Typed("azmlflow init local", "Pulumi.local.yaml"),
    Typed("azmlflow init prod --cloud azure --location westeurope", "Pulumi.prod.yaml"),
    Typed(f"azmlflow init prod --cloud azure --location westeurope --subscription {SUBSCRIPTION}", "Pulumi.prod.yaml"),
    Typed("azmlflow init dev --cloud azure --cluster cpu:Standard_DS3_v2:4 --yes", "Pulumi.dev.yaml"),
    Typed("azmlflow init prod --cloud azure --profile locked-down", "Pulumi.prod.yaml"),
)

# In a folder with a stack `local` that nobody stood up.
SETTINGS = (
    Typed("azmlflow --help", "Stand a workspace up"),
    Typed("azmlflow init local --force", "Pulumi.local.yaml"),
    Typed("azmlflow init local --help", "--cluster"),
    Typed("azmlflow settings", "location"),
    Typed("azmlflow settings clusters", "vmSize"),
    Typed("azmlflow settings 'clusters[].maxNodes' -o json", "clusters[].maxNodes"),
    Typed("azmlflow settings --schema", "$schema"),
    Typed("azmlflow stack", "local"),
    Typed("azmlflow stack list", "local"),
    Typed("azmlflow init prod --cloud azure --location westeurope", "Pulumi.prod.yaml"),
    Typed("azmlflow stack select prod", "prod"),
    Typed("azmlflow stack select local", "local"),
    Typed("azmlflow set location northeurope", "northeurope"),
    Typed("azmlflow set location westeurope", "westeurope"),
    Typed("azmlflow set clusters '[{name: cpu}, {name: gpu, vmSize: Standard_NC6s_v3}]'", "gpu"),
    Typed("azmlflow set 'clusters[0].maxNodes' 8", "8"),
    Typed("azmlflow set 'clusters[0].publicIp' true", "true"),
    Typed("azmlflow set --unset 'clusters[0].publicIp'", "publicIp"),
    Typed(f"azmlflow set 'clusters[0].subnet' {SUBNET}", "snet-ml"),
    Typed("azmlflow set --unset 'clusters[0].subnet'", "subnet"),
    Typed("azmlflow get", "westeurope"),
    Typed("azmlflow get 'clusters[0].maxNodes' -o json", "8"),
    Typed("azmlflow get location", "westeurope"),
    Typed("azmlflow get clusters", "gpu"),
    Typed("azmlflow set tags.team research", "research"),
    Typed("azmlflow set --unset tags", "tags"),
    Typed("azmlflow set --unset tags", "tags"),
    Typed("azmlflow set onSoftDeleted recover", "recover"),
    Typed("azmlflow set onSoftDeleted rename", "rename"),
    Typed("azmlflow set --unset onSoftDeleted", "onSoftDeleted"),
    Typed("azmlflow set salt 2", "2"),
    Typed("azmlflow set --unset salt", "salt"),
    Typed("azmlflow set protect false", "false"),
    Typed("azmlflow set storageAuth identity", "identity"),
    Typed("azmlflow set --unset storageAuth", "storageAuth"),
    Typed("azmlflow set purgeProtection true", "true"),
    Typed("azmlflow set encryption.serviceSide false", "false"),
    Typed(f"azmlflow set encryption.keyVault {VAULT}", "kv-keys"),
    Typed("azmlflow set identity.type UserAssigned", "UserAssigned"),
    Typed("azmlflow set --unset encryption", "encryption"),
    Typed("azmlflow set identity.grantRoles false", "false"),
    Typed("azmlflow set identity.grantRoles true", "true"),
    Typed("azmlflow set --unset identity.grantOnGiven", "grantOnGiven"),
    Typed("azmlflow set --unset identity", "identity"),
    Typed("azmlflow set --unset purgeProtection", "purgeProtection"),
    Typed("azmlflow set registry own", "own"),
    Typed("azmlflow set endpoints '[{name: risk, deployments: [{model: diabetes}]}]'", "risk"),
    Typed("azmlflow set 'endpoints[0].deployments[0].version' 4", "4"),
    Typed("azmlflow set --unset endpoints", "endpoints"),
    Typed("azmlflow set network.mode managed", "managed"),
    Typed("azmlflow set network.outbound approved", "approved"),
    Typed("azmlflow set --unset network.zones", "network"),
    Typed("azmlflow set --unset clusters", "clusters"),
    Typed("azmlflow set network '{mode: publicIps, allowedIps: [198.51.100.7]}'", "publicIps"),
    Typed("azmlflow set --unset network", "network"),
    Typed(f"azmlflow set azure-native:subscriptionId {SUBSCRIPTION}", SUBSCRIPTION),
    Typed("azmlflow set --unset azure-native:subscriptionId", "subscriptionId"),
    Typed("azmlflow set --unset location", "location"),
    Typed("azmlflow set location westeurope", "westeurope"),
    Typed("azmlflow set clusters '[{name: cpu}]'", "cpu"),
)

# On the embedded Azure, one after the other.
STANDING = (
    Typed("azmlflow local start", "running"),
    Typed("azmlflow local stop", "stopped"),
    Typed("azmlflow local start --latency none", "running"),
    Typed("azmlflow local status", "running"),
    Typed("azmlflow local --help", "start"),
    Typed("azmlflow doctor", "azmlflow up --stack local"),
    Typed("azmlflow preview -o json", '"create"'),
    Typed("azmlflow up --expires 7d", "stack local stands"),
    Typed("azmlflow up", "nothing to change"),
    Typed("azmlflow doctor --fix", "workspace"),
    Typed("azmlflow status", "mlw-mlflow-local"),
    Typed("azmlflow config", "config.json"),
    Typed("azmlflow config --force", "config.json"),
    Typed("azmlflow config --path ~/work/.azureml/config.json", "config.json"),
    Typed("azmlflow config --path ~/work/.azureml/config.json --force", "config.json"),
    Typed("azmlflow env", "export "),
    Typed("azmlflow env --engine", "export "),
    Typed("azmlflow env --unset"),
    Typed("azmlflow env --as alice@local.test", "export "),
    Typed("azmlflow env --output dotenv", "MLFLOW_TRACKING_URI"),
    Typed("azmlflow env --as alice@local.test --output dotenv", "MLFLOW_TRACKING_URI"),
    Typed("azmlflow reach", "internet"),
    Typed("azmlflow reach --explain", "answers everybody"),
    Typed("azmlflow reach --address 198.51.100.7 --explain", "internet: yes"),
    Typed("azmlflow reach --output html --file reach.html", "reach.html"),
    Typed("azmlflow roles", "tracker"),
    Typed("azmlflow roles tracker", "tracker"),
    Typed("azmlflow roles tracker+registrar", "registrar"),
)

ACCESS = (
    Typed("azmlflow local user add carol@local.test", "carol"),
    Typed("azmlflow local user list", "carol"),
    Typed("azmlflow local group add data-team alice@local.test bob@local.test", "data-team"),
    Typed("azmlflow local group join data-team carol@local.test", "carol"),
    Typed("azmlflow local group leave data-team carol@local.test", "carol"),
    Typed("azmlflow local group list", "data-team"),
    Typed("azmlflow local group remove data-team", "data-team"),
    Typed("azmlflow local user remove carol@local.test", "carol"),
    Typed("azmlflow grant --help", "PERSONA"),
    Typed("azmlflow grant alice@local.test tracker --until 30d", "tracker"),
    Typed("azmlflow grant alice@local.test tracker+registrar --until 2099-12-31", "registrar"),
    Typed("azmlflow grant alice@local.test tracker", "tracker"),
    Typed("azmlflow grant data-scientists viewer --scope group", "viewer"),
    Typed("azmlflow grant --file people.csv", "bob"),
    Typed("cat people.csv | azmlflow grant --file -", "already"),
    Typed("azmlflow grant alice@local.test registrar", "already"),
    Typed("azmlflow grant compute/cpu tracker", "azmlflow set 'clusters[0].identity' system", 1),
    Typed("azmlflow set 'clusters[0].identity' system", "system"),
    Typed("azmlflow up", "1 resource changed"),
    Typed("azmlflow grant compute/cpu tracker", "computes/cpu"),
    Typed(f"azmlflow grant {SUBSCRIPTION} registrar", SUBSCRIPTION, 1),
    Typed("azmlflow access", "alice"),
    Typed("azmlflow access --drift", "nothing differs"),
    Typed("azmlflow access --explain alice@local.test write_run", "write_run"),
    Typed("azmlflow access --explain alice@local.test write_experiment", "write_experiment"),
    Typed('azmlflow access --explain "bob@local.test" change_workspace', "change_workspace"),
    Typed("azmlflow access --log", "alice"),
    Typed("azmlflow access --output html --file access.html", "access.html"),
    Typed("azmlflow access alice@local.test", "alice"),
)

USE = (
    Typed("azmlflow run --help", "CMD"),
    Typed("azmlflow run -- python track.py", "tracked"),
    Typed("azmlflow run --as alice@local.test -- python track.py", "tracked"),
    Typed("azmlflow run --as alice@local.test -- python track.py --epochs 3", "tracked"),
    Typed("azmlflow run --from network -- python track.py", "no network of its own", 1),
    Typed("azmlflow run -- mlflow experiments search", "typed"),
    Typed("azmlflow run -- python -c 'import mlflow, azureml.mlflow'"),
    Typed("azmlflow run --without-stack -- python -c 'print(1)'", "1"),
    Typed("azmlflow run -- python train.py 2>&1 | azmlflow why", "azmlflow"),
    Typed("azmlflow why --file train.log", "azmlflow"),
    Typed("azmlflow why 'the error'", "unknown", 1),
    Typed('azmlflow why "RESOURCE_DOES_NOT_EXIST: No Experiment with id=7 exists"', "confirmed"),
)

CHECKED = (
    Typed("azmlflow verify --as alice@local.test", "delete model"),
    Typed("azmlflow verify --clean", ""),
    Typed("azmlflow ui --print", "http"),
    Typed("azmlflow ui --as bob@local.test --print", "http"),
    Typed("azmlflow local faults add --help", "--seconds"),
    Typed("azmlflow local faults add --what 429 --seconds 5 --nth 3", "429"),
    Typed("azmlflow local faults add --what failed --method DELETE --path '/resourceGroups/[^/]+$'", "failed"),
    Typed("azmlflow local faults add --what reset --when after --method PUT --path '/workspaces/[^/]+$'", "reset"),
    Typed("azmlflow local faults list", "failed"),
    Typed("azmlflow local faults clear", ""),
    Typed("azmlflow local limits", "time"),
    Typed("azmlflow local limits --memory 4GiB --disk 20GiB --time 2h", "4"),
    Typed("azmlflow local limits --none", "as the job says"),
    Typed("azmlflow local logs", "management.azure.com"),
    Typed("azmlflow local logs --lines 200"),
)

LEAVING = (
    Typed("azmlflow revoke alice@local.test registrar", "registrar"),
    Typed("azmlflow revoke alice@local.test", "alice"),
    Typed("azmlflow revoke data-scientists viewer --scope group", "viewer"),
    Typed("azmlflow sweep", "rg-mlflow-local"),
    Typed("azmlflow sweep --expired", ""),
    Typed("azmlflow sweep --expired --apply --yes", ""),
    Typed("azmlflow sweep --name 'rg-mlflow-pr*' --older-than 7d --apply --yes", ""),
    Typed("azmlflow sweep --tag team=search -o json", "["),
    Typed("azmlflow down --resource-group rg-old --timeout 30m --yes", "nothing stands"),
    Typed("azmlflow down --resource-group rg-old --unmanaged --yes", "nothing stands"),
    Typed("azmlflow down --dry-run --output json", "{"),
    Typed("azmlflow down --yes", "nothing left"),
    Typed("azmlflow fleet preview -o json", "search-dev"),
    Typed("azmlflow fleet up --only 'search-*' --width 8", "search-dev"),
    Typed("azmlflow fleet up", "search-dev"),
    Typed("azmlflow fleet status", "search-dev"),
    Typed("azmlflow fleet down --only 'search-*' --yes", "search-dev"),
    Typed("azmlflow fleet down --yes", "search-dev"),
    Typed("azmlflow local stop", "stopped"),
    Typed("azmlflow local repair", ""),
    Typed("azmlflow local reset --yes", "empty"),
)

# az's own, by an unmodified azure-cli under `azmlflow run`, one after the other; `$GROUP` and the like are what stands.
AZ = (
    Typed("az account list --all", "azmlflow local"),
    Typed("az account list --output table", "azmlflow local"),
    Typed("az account show --query id --output tsv", "10ca1000-0000-4000-8000-000000000002"),
    Typed("az group list --output table", "$GROUP"),
    Typed("az group show --name $GROUP", "$GROUP"),
    Typed("az resource list --query '[].id' --output tsv", "$STORAGE"),
    Typed(
        "az resource list --resource-type Microsoft.MachineLearningServices/workspaces --query '[].id' --output tsv",
        "$WORKSPACE",
    ),
    Typed("az resource show --ids $VAULT", "vaultUri"),
    Typed("az provider register --namespace Microsoft.KeyVault"),
    Typed("az provider register --namespace Microsoft.KeyVault --wait"),
    Typed("az ad user list --output table", "alice@local.test"),
    Typed("az ad group list --output table", "data-scientists"),
    Typed("az ad sp list --output table", "azmlflow-ci"),
    Typed("az ad app create --display-name reports", "reports"),
    Typed("az ad app list --display-name reports", "reports"),
    Typed("az ad sp create --id $APPLICATION", "reports"),
    Typed("az ad app credential reset --id $APPLICATION", "password"),
    Typed("az identity create --name id-typed --resource-group $GROUP", "principalId"),
    Typed("az identity list --query '[].id' --output tsv", "id-typed"),
    Typed("az identity show --ids $IDENTITY --query principalId", "-"),
    Typed("az resource delete --ids $IDENTITY"),
    Typed("az role assignment create --role Owner --assignee $PERSON --scope $VAULT", "roleDefinitionId"),
    Typed("az role assignment create --assignee $PERSON --role 'Key Vault Secrets User' --scope $VAULT", "4633458b"),
    Typed(
        "az role assignment create --assignee $PERSON --role 'Storage Blob Data Reader' --scope $STORAGE", "2a2b9908"
    ),
    Typed("az role assignment delete --ids $ASSIGNMENT"),
    Typed("az role definition create --role-definition @tracker.json", "azmlflow tracker"),
    Typed("az role definition delete --name $ROLE"),
    Typed("az lock create --name typed --resource-group $GROUP --lock-type CanNotDelete", "typed"),
    Typed("az lock list --resource-group $GROUP", "typed"),
    Typed("az lock delete --ids $LOCK"),
    Typed("az tag update --operation Merge --resource-id $STORAGE --tags team=search", "search"),
    Typed("az tag update --operation Delete --resource-id $STORAGE --tags team=search", "azmlflow-stack"),
    Typed("az storage container create --name typed --account-name $ACCOUNT --auth-mode login", "true"),
    Typed("az acr create --name $REGISTRY --resource-group $GROUP --sku Premium", "Premium"),
    Typed("az acr network-rule add --name $REGISTRY --ip-address 198.51.100.7", "198.51.100.7"),
    Typed("az keyvault update --name $KEYS --enable-purge-protection true", '"enablePurgeProtection": true'),
    Typed("az keyvault create --name kv-typed1 --resource-group $GROUP", "kv-typed1"),
    Typed("az keyvault delete --name kv-typed1"),
    Typed("az keyvault recover --name kv-typed1", "kv-typed1"),
    Typed("az keyvault delete --name kv-typed1"),
    Typed("az keyvault purge --name kv-typed1"),
)

DAY = {"standing": STANDING, "access": ACCESS, "use": USE, "checked": CHECKED, "leaving": LEAVING}
