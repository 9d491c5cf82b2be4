"""Everything that a matrix of access is made of, read from a live cloud: the facts, and who is who."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.pipeline.transport import HttpTransport

from azmlflow.rbac.facts import Facts
from azmlflow.rbac.live.azure import read_facts
from azmlflow.rbac.live.errors import DirectoryForbidden
from azmlflow.rbac.live.graph import AT_ONCE, Graph
from azmlflow.rbac.live.pool import Pool
from azmlflow.rbac.live.waits import OnWait
from azmlflow.rbac.report.access import WhoIsWho, principals

# Microsoft Graph, "directoryObject: getByIds", takes 1000 ids a request; a page of an answer holds 100 by default.
_BATCH = 100


@dataclass(frozen=True)
class Tenant:
    """What is known of a tenant: who has access, and who is who."""

    facts: Facts
    directory: WhoIsWho


def read_tenant(
    credential: TokenCredential,
    subscription_id: str,
    scope: str,
    *,
    also: Iterable[str] = (),
    transport: HttpTransport[Any, Any] | None = None,
    on_wait: OnWait | None = None,
) -> Tenant:
    """The facts at a scope (`read_facts`), and the names of everybody in them.

    Args:
        credential: who asks.
        subscription_id: the scope's subscription.
        scope: ARM id of the workspace.
        also: object ids of others whose names are wanted.
        transport: in place of the real one, for tests.
        on_wait: hears of each long wait that Azure asks for.

    Raises:
        AssignmentsForbidden: who asks may not read role assignments there.
        HttpResponseError: Azure refused for another reason.
    """
    facts = read_facts(credential, subscription_id, scope, transport=transport, on_wait=on_wait)
    wanted = sorted(principals(facts) | {each.lower() for each in also})
    return Tenant(facts, read_directory(credential, wanted, transport=transport, on_wait=on_wait))


def read_directory(
    credential: TokenCredential,
    ids: Iterable[str],
    *,
    transport: HttpTransport[Any, Any] | None = None,
    on_wait: OnWait | None = None,
) -> WhoIsWho:
    """Who is who, of these object ids; that the directory may not be read is told, not raised.

    Args:
        credential: signs in to Graph.
        ids: of users, groups, service principals.
        transport: sends the requests; azure-core's own by default.
        on_wait: hears of each long wait that Graph asks for.

    Raises:
        HttpResponseError: Graph refused for another reason than a lack of rights.
    """
    wanted = list(ids)
    batches = [wanted[at : at + _BATCH] for at in range(0, len(wanted), _BATCH)]
    with contextlib.closing(Graph(credential, transport, on_wait)) as graph, Pool(AT_ONCE) as pool:
        try:
            found = [each for batch in pool.map(graph.by_ids, batches) for each in batch]
        except DirectoryForbidden:
            return WhoIsWho({}, readable=False)
    return WhoIsWho({each.object_id: (each.type, each.display_name) for each in found})
