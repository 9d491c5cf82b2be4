"""The resource kinds of the embedded Azure: one file each, listed here, what others stand on first.

To add one: a file with a frozen `Kind` record, and its name in `KINDS`, after the kinds that it depends on; a group's
deletion goes through the tuple backwards.
"""

from __future__ import annotations

from azmlflow.localazure.kinds.assets.code_containers import CODE_CONTAINER
from azmlflow.localazure.kinds.assets.codes import CODE
from azmlflow.localazure.kinds.assets.data import DATA
from azmlflow.localazure.kinds.assets.data_versions import DATA_VERSION
from azmlflow.localazure.kinds.assets.environment_containers import ENVIRONMENT_CONTAINER
from azmlflow.localazure.kinds.assets.environments import ENVIRONMENT
from azmlflow.localazure.kinds.assets.model_versions import MODEL_VERSION
from azmlflow.localazure.kinds.assets.models import MODEL
from azmlflow.localazure.kinds.endpoints.deployments import ONLINE_DEPLOYMENT
from azmlflow.localazure.kinds.endpoints.endpoints import ONLINE_ENDPOINT
from azmlflow.localazure.kinds.foundation.app_insights import APP_INSIGHTS
from azmlflow.localazure.kinds.foundation.key_vaults import KEY_VAULT
from azmlflow.localazure.kinds.foundation.locks import LOCK
from azmlflow.localazure.kinds.foundation.log_analytics import LOG_ANALYTICS
from azmlflow.localazure.kinds.foundation.managed_identities import USER_ASSIGNED_IDENTITY
from azmlflow.localazure.kinds.foundation.resource_groups import RESOURCE_GROUP
from azmlflow.localazure.kinds.foundation.role_assignments import ROLE_ASSIGNMENT
from azmlflow.localazure.kinds.foundation.role_definitions import ROLE_DEFINITION
from azmlflow.localazure.kinds.foundation.storage_accounts import STORAGE_ACCOUNT
from azmlflow.localazure.kinds.foundation.vault_keys import KEY
from azmlflow.localazure.kinds.guardrails.budgets import BUDGET
from azmlflow.localazure.kinds.guardrails.diagnostic_settings import DIAGNOSTIC_SETTING
from azmlflow.localazure.kinds.jobs.jobs import JOB
from azmlflow.localazure.kinds.networks.dns_records import DNS_RECORD
from azmlflow.localazure.kinds.networks.private_dns_zones import PRIVATE_DNS_ZONE
from azmlflow.localazure.kinds.networks.private_endpoints import PRIVATE_ENDPOINT
from azmlflow.localazure.kinds.networks.security_groups import NETWORK_SECURITY_GROUP
from azmlflow.localazure.kinds.networks.subnets import SUBNET
from azmlflow.localazure.kinds.networks.virtual_networks import VIRTUAL_NETWORK
from azmlflow.localazure.kinds.networks.zone_groups import ZONE_GROUP
from azmlflow.localazure.kinds.networks.zone_links import ZONE_LINK
from azmlflow.localazure.kinds.registries.container_registries import CONTAINER_REGISTRY
from azmlflow.localazure.kinds.registries.replications import REPLICATION
from azmlflow.localazure.kinds.storage.blob_containers import BLOB_CONTAINER
from azmlflow.localazure.kinds.storage.blob_services import BLOB_SERVICE
from azmlflow.localazure.kinds.storage.file_services import FILE_SERVICE
from azmlflow.localazure.kinds.storage.file_shares import FILE_SHARE
from azmlflow.localazure.kinds.templates.deployments import TEMPLATE_DEPLOYMENT
from azmlflow.localazure.kinds.workspaces.computes import COMPUTE
from azmlflow.localazure.kinds.workspaces.datastores import DATASTORE
from azmlflow.localazure.kinds.workspaces.ml_workspaces import ML_WORKSPACE
from azmlflow.localazure.kinds.workspaces.outbound_rules import OUTBOUND_RULE
from azmlflow.localazure.resources.kind import Kind

KINDS: tuple[Kind, ...] = (
    RESOURCE_GROUP,
    TEMPLATE_DEPLOYMENT,
    ROLE_DEFINITION,
    ROLE_ASSIGNMENT,
    LOCK,
    BUDGET,
    DIAGNOSTIC_SETTING,
    USER_ASSIGNED_IDENTITY,
    NETWORK_SECURITY_GROUP,
    VIRTUAL_NETWORK,
    SUBNET,
    PRIVATE_DNS_ZONE,
    ZONE_LINK,
    DNS_RECORD,
    STORAGE_ACCOUNT,
    BLOB_SERVICE,
    FILE_SERVICE,
    BLOB_CONTAINER,
    FILE_SHARE,
    KEY_VAULT,
    KEY,
    LOG_ANALYTICS,
    APP_INSIGHTS,
    CONTAINER_REGISTRY,
    REPLICATION,
    ML_WORKSPACE,
    PRIVATE_ENDPOINT,
    ZONE_GROUP,
    OUTBOUND_RULE,
    DATASTORE,
    COMPUTE,
    CODE_CONTAINER,
    CODE,
    ENVIRONMENT_CONTAINER,
    ENVIRONMENT,
    DATA,
    DATA_VERSION,
    JOB,
    MODEL,
    MODEL_VERSION,
    ONLINE_ENDPOINT,
    ONLINE_DEPLOYMENT,
)
BY_TYPE = {kind.type.lower(): kind for kind in KINDS}
