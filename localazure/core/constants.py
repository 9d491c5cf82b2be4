"""What is the same in every embedded Azure: its tenant and whose it is, its subscription, its regions."""

# One tenant and one subscription, the same on every machine, recognisable at sight.
TENANT_ID = "10ca1000-0000-4000-8000-000000000001"
SUBSCRIPTION_ID = "10ca1000-0000-4000-8000-000000000002"
CLOUD_NAME = "azmlflow local"  # what the subscription and the tenant are called
# The directory's domain, and the user who owns the subscription: whom commands sign in as, if nobody else is named.
DOMAIN = "local.test"
DEVELOPER = f"developer@{DOMAIN}"
REGIONS = (
    "westeurope",
    "northeurope",
    "eastus",
    "eastus2",
    "westus2",
    "uksouth",
    "swedencentral",
    "germanywestcentral",
)
