"""Clean up as Microsoft's page does: delete the resource group, and with it all that stands in it.

azmlflow run -- .venv-examples/bin/python examples/clean_up.py GROUP

As on Azure, the workspace and its key vault are then only soft-deleted: their names stay taken until they are purged.
`azmlflow down` does all of it, in order, and leaves nothing.
"""

import argparse

from azure.identity import DefaultAzureCredential
from azure.mgmt.resource import ResourceManagementClient
from azureml.core import Workspace

parser = argparse.ArgumentParser()
parser.add_argument("group", help="the resource group's name, typed out so that no other goes by accident")
group = parser.parse_args().group

ws = Workspace.from_config()
if group != ws.resource_group:
    raise SystemExit(f"config.json names the group {ws.resource_group}, not {group}: nothing was deleted.")

client = ResourceManagementClient(DefaultAzureCredential(), ws.subscription_id)
names = sorted(resource.name for resource in client.resources.list_by_resource_group(group))
client.resource_groups.begin_delete(group).result()
print(f"deleted {group} with {', '.join(names)}")
