"""Who is there from the start: the developer, two colleagues, their group, an application for automation.

The developer is Owner of the subscription by a stored role assignment, like any other; whoever is Owner may also change
the directory (`services.graph`). Built-in roles need no seeding: `rbac.roles` has them.
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import ASSIGNMENTS
from azmlflow.localazure.core.constants import DEVELOPER, DOMAIN, SUBSCRIPTION_ID
from azmlflow.localazure.kinds.foundation.role_assignments import put_assignment
from azmlflow.rbac import scopes
from azmlflow.rbac.grants import assignment_name
from azmlflow.rbac.roles import built_in_role

USERS = ((DEVELOPER, "Developer"), (f"alice@{DOMAIN}", "Alice"), (f"bob@{DOMAIN}", "Bob"))
GROUP = "data-scientists"
APPLICATION = "azmlflow-ci"


def seed(cloud: Cloud) -> None:
    """Add those that are missing; what is there stays as it is.

    Args:
        cloud: the embedded Azure.
    """
    directory = cloud.directory
    with cloud.store.transaction():
        for upn, name in USERS:
            if directory.find_user(upn) is None:
                directory.add_user(upn, name)
        if not any(group.display_name == GROUP for group in directory.list("Group")):
            directory.add_group(GROUP)
        if not any(found.display_name == APPLICATION for found in directory.list("ServicePrincipal")):
            # Without a secret, until somebody asks for one.
            directory.add_service_principal(APPLICATION, with_secret=False)
        _own(cloud)


def _own(cloud: Cloud) -> None:
    developer = cloud.directory.find_user(DEVELOPER)
    if developer is None:
        return
    scope = scopes.subscription_id(SUBSCRIPTION_ID)
    role_id = built_in_role("Owner").definition_id(SUBSCRIPTION_ID)
    name = assignment_name(scope, developer.object_id, role_id)
    if cloud.store.get(ASSIGNMENTS, name) is not None:
        return
    now = timestamp(cloud.clock.now())
    properties = {
        "roleDefinitionId": role_id,
        "principalId": developer.object_id,
        "principalType": developer.kind,
        "createdOn": now,
        "updatedOn": now,
        "createdBy": developer.object_id,
        "updatedBy": developer.object_id,
    }
    put_assignment(cloud, name, scope, properties)
