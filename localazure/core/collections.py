"""The collections of the store: what lies in each, and under which key. Nobody else writes a collection's name.

The names stand in the databases of people's state folders: to rename one loses what is in it.
"""

from __future__ import annotations

# Resources and resource groups as ARM answers them, under their id in lower case; what is soft-deleted, and the keys
# and the like that no GET answers, under the same.
RESOURCES, DELETED, SECRETS = "resources", "deleted", "secrets"
# The keys of vaults that are soft-deleted, as ARM answers them, under their id in lower case.
BURIED_KEYS = "buried_keys"
# Older versions of keys, under `<the key's id>/<version>`, and rotation policies, under the key's id, in lower case.
KEY_VERSIONS, KEY_POLICIES = "key_versions", "key_policies"
# When a resource was made and last changed, under its id in lower case: lists tell it where they are asked to.
TIMES = "times"
# The tags of the subscription itself, under its id.
SUBSCRIPTION_TAGS = "subscription_tags"
# Management locks, under their id in lower case; whether the subscription uses a resource provider, by its namespace.
LOCKS, PROVIDERS = "locks", "providers"
# Diagnostic settings and budgets, under their id in lower case.
DIAGNOSTICS, BUDGETS = "diagnostic_settings", "budgets"
# Deployments of templates, under their id in lower case.
TEMPLATES = "template_deployments"
# The private endpoint connections of a resource, under their id in lower case, which begins with the resource's.
PRIVATE_CONNECTIONS = "private_endpoint_connections"
# How what a component of Application Insights takes in is billed and capped, under the component's id in lower case.
BILLING_FEATURES = "billing_features"
# Names that somebody outside the tenant has, under `<type>/<name>` in lower case.
FOREIGN_NAMES = "foreign_names"
# Long-running operations, under their id: those that run, and those that have ended.
RUNNING_OPERATIONS, ENDED_OPERATIONS = "running", "operations"

# The activity log: `<instant>/<id>` of each request that it keeps, and of each end of what one began.
ACTIVITY = "activity"

# Role assignments and custom role definitions as ARM answers them, under their GUID, and from when on an assignment is
# in force that has not propagated yet.
ASSIGNMENTS, DEFINITIONS, PROPAGATION = "assignments", "definitions", "propagation"
# Users, groups and service principals, by object id; `<group>/<member>`; hashed secrets of applications, by their id.
PRINCIPALS, MEMBERS, CREDENTIALS = "principals", "members", "credentials"
# Object ids of principals that were removed: nobody else may ever have them.
REMOVED_PRINCIPALS = "removed_principals"
# Applications as Graph answers them, by object id.
APPLICATIONS = "applications"

# What is known of a job beside its document, and an index of those that have not ended: what the runner looks at,
# however many jobs there were. Both under the job's id in lower case; the nodes of a cluster under the cluster's.
JOB_RECORDS, OPEN_JOBS, NODES = "job_records", "open_jobs", "nodes"
# Names of online endpoints, which are unique in a region: `<region>/<name>` in lower case. What is known of a
# deployment beside its document, under its id in lower case: what it serves, and the end of its last process' log.
ENDPOINT_NAMES, DEPLOYMENTS = "endpoint_names", "deployments"
# How many requests an endpoint had in each hour of the last day, under its id in lower case.
ENDPOINT_REQUESTS = "endpoint_requests"
# Whose an id of a run is that a client chose: the workspaceId, under the id as it is spelt.
RUN_IDS = "run_ids"
# What MLflow is still to hear of the runs of jobs that were changed or deleted, under the job's id in lower case.
UNTOLD = "untold_runs"
# Environments of azureml-core as they were given, by the ARM id of their version in lower case.
SDK1_ENVIRONMENTS = "sdk1_environments"
# What belongs to a workspace and is not a resource: under `<workspaceId>/...`, and gone when the workspace is for good.
LOCAL_RUNS, SNAPSHOTS, SDK1_METRICS = OF_WORKSPACES = ("local_runs", "snapshots", "sdk1_metrics")

# Blobs and containers, under `<account>/<container>[/<name>]`; blocks that are not committed yet, below their blob's.
BLOBS, BLOCKS, CONTAINERS = "blobs", "blob_blocks", "containers"
# The workspace that an upload of artifacts belongs to.
ARTIFACT_OWNERS = "artifact_owners"
