"""Access as a live cloud has it: role assignments, deny assignments and role definitions from Azure Resource Manager.

The embedded Azure is asked no differently. Who is in the groups that they name comes from Microsoft Graph
(`memberships`). Deleted principals keep their assignments; nothing here drops them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import ContentDecodePolicy, RedirectPolicy, RequestIdPolicy, UserAgentPolicy
from azure.core.pipeline.transport import HttpTransport
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from azmlflow.rbac import scopes
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.live.blocks import permission_blocks
from azmlflow.rbac.live.errors import AssignmentsForbidden, reading
from azmlflow.rbac.live.graph import AT_ONCE, Graph
from azmlflow.rbac.live.memberships import Memberships
from azmlflow.rbac.live.policies import Formed, OneHost, Retries, RetryAfter
from azmlflow.rbac.live.pool import Pool
from azmlflow.rbac.live.waits import OnWait
from azmlflow.rbac.records import DenyAssignment, RoleAssignment, RoleDefinition
from azmlflow.resourcetypes.table import version_of

_HOST = "management.azure.com"


def read_facts(
    credential: TokenCredential,
    subscription_id: str,
    scope: str,
    *,
    transport: HttpTransport[Any, Any] | None = None,
    on_wait: OnWait | None = None,
) -> Facts:
    """Everything that decides on access at a scope and below.

    Args:
        credential: who asks; needs `Microsoft.Authorization/*/read` at the scope.
        subscription_id: the scope's subscription.
        scope: ARM id of a subscription, group or resource.
        transport: in place of the real one, for tests.
        on_wait: hears of each long wait that Azure asks for.

    Returns:
        Assignments and deny assignments at, above and below the scope, the definitions they name, the members of every
        group they name. A group whose members may not be read is among `unread_groups`; a definition that is gone is
        missing. What Azure lists at management groups is above the subscription: it lists no other.

    Raises:
        AssignmentsForbidden: who asks may not read role assignments, deny assignments or definitions there.
        MalformedAnswer, ForeignAnswer: what was answered is not Azure's.
        HttpResponseError: Azure refused for another reason.
    """
    scope = scopes.normalise(scope)

    def client(of: str) -> AuthorizationManagementClient:
        # Each in its own version: only the definitions' knows conditions on a role's permissions.
        version, policies = version_of(f"Microsoft.Authorization/{of}"), _policies(credential, on_wait)
        return AuthorizationManagementClient(
            credential, subscription_id, api_version=version, transport=transport, policies=policies
        )

    with contextlib.closing(Graph(credential, transport, on_wait)) as graph, Memberships(graph) as memberships:
        try:
            with reading(scope):
                listed = _listed(client, scope.lstrip("/"), memberships.hear)
        except HttpResponseError as error:
            if error.status_code == 403:
                said = getattr(error.error, "message", None) or error.reason
                raise AssignmentsForbidden(
                    f"access at {scope} may not be read by who is signed in ({said}); "
                    "ask an Owner for the role Reader there"
                ) from error
            raise
        held, unread = memberships.read()
    with reading(scope):
        return _facts(listed, subscription_id, held, unread)


def _facts(
    listed: tuple[list[Any], list[Any], list[Any]],
    subscription_id: str,
    held: dict[str, frozenset[str]],
    unread: tuple[str, ...],
) -> Facts:
    assignments, denies, definitions = listed
    places = {str(each.scope) for each in (*assignments, *denies)}
    above = sorted(place for place in places if scopes.contains(scopes.MANAGEMENT_GROUPS, place))
    return Facts(
        tuple(
            RoleAssignment(
                each.id,
                each.principal_id,
                each.role_definition_id,
                each.scope,
                each.condition or None,
                each.principal_type or "",
            )
            for each in assignments
        ),
        tuple(RoleDefinition(each.id, each.role_name, permission_blocks(each.permissions)) for each in definitions),
        tuple(_deny(each) for each in denies),
        held,
        {scopes.subscription_id(subscription_id): tuple(above)},
        unread,
    )


def _listed(
    client: Callable[[str], AuthorizationManagementClient], scope: str, hear: Callable[[str], None]
) -> tuple[list[Any], list[Any], list[Any]]:
    """Assignments, deny assignments and definitions, without filter: at, above and below the scope; asked at once.

    A page names the next, so that the pages of one list come one after another; the groups on a page are told to
    `hear` as soon as it is there, and read beside the pages that follow.
    """
    with (
        client("roleAssignments") as assigned,
        client("denyAssignments") as denied,
        client("roleDefinitions") as defined,
        Pool(3) as pool,
    ):
        # Here, not in the threads: what they import when they are first used, no two threads may import at once.
        held, denials, roles = assigned.role_assignments, denied.deny_assignments, defined.role_definitions
        assignments = pool.submit(lambda: _heard(lambda: held.list_for_scope(scope), _assigned_group, hear))
        denies = pool.submit(lambda: _heard(lambda: denials.list_for_scope(scope), _denied_groups, hear))
        definitions = pool.submit(lambda: list(roles.list(scope)))
        found = assignments.result(), denies.result(), definitions.result()
        return found[0], found[1], [*found[2], *_missing(defined, found[0], found[2])]


def _policies(credential: TokenCredential, on_wait: OnWait | None) -> list[Any]:
    """Those of Microsoft's client, but for the one that registers resource providers unasked; and ours."""
    return [
        RequestIdPolicy(),
        UserAgentPolicy("azmlflow"),
        RedirectPolicy(),
        Retries(on_wait),
        OneHost(_HOST),
        ARMChallengeAuthenticationPolicy(credential, f"https://{_HOST}/.default"),
        RetryAfter(),
        ContentDecodePolicy(),
        Formed(),
    ]


def _heard(
    ask: Callable[[], Iterable[Any]], groups: Callable[[Any], Iterable[str]], hear: Callable[[str], None]
) -> list[Any]:
    """A whole list, whose groups are told as its pages come."""
    found = []
    for each in ask():
        found.append(each)
        for group in groups(each):
            hear(group)
    return found


def _assigned_group(assignment: Any) -> Iterable[str]:
    return (assignment.principal_id,) if assignment.principal_type == "Group" else ()


def _denied_groups(deny: Any) -> Iterable[str]:
    named = (*(deny.principals or ()), *(deny.exclude_principals or ()))
    return (each.id for each in named if each.type in ("Group", "SecurityGroup") and each.id)


def _missing(client: Any, assignments: Sequence[Any], definitions: Sequence[Any]) -> list[Any]:
    """Definitions that assignments name but that are not assignable at the scope asked; without those that are gone."""
    known = {each.name.lower() for each in definitions}
    wanted = {each.role_definition_id.rpartition("/")[2].lower(): each.role_definition_id for each in assignments}

    def read(id_: str) -> Any:
        try:
            return client.role_definitions.get_by_id(id_)
        except ResourceNotFoundError:
            return None  # the evaluator ignores its assignments and names them

    with Pool(AT_ONCE) as pool:
        found = pool.map(read, [wanted[guid] for guid in sorted(wanted.keys() - known)])
        return [each for each in found if each is not None]


def _deny(found: Any) -> DenyAssignment:
    return DenyAssignment(
        found.id,
        found.deny_assignment_name,
        found.scope,
        tuple(each.id for each in found.principals or ()),
        tuple(each.id for each in found.exclude_principals or ()),
        permission_blocks(found.permissions),
        not found.do_not_apply_to_child_scopes,
        found.condition or None,
    )
