"""Documents of resources that stand on others, as extensions do: those on one scope, and their end with it."""

from __future__ import annotations

from collections.abc import Callable

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Ask
from azmlflow.rbac import scopes


def on_scope(collection: str) -> Callable[[Ask], list[Document]]:
    """Lists what stands on the very scope that a request names, not what stands below it."""

    def listed(ask: Ask) -> list[Document]:
        at = scopes.key(ask.target.scope or scopes.ROOT)
        below = ask.cloud.store.scan(collection, f"{ask.target.scope.lower()}/")
        return [document for _, document in below if scopes.key(scopes.parse(document["id"]).scope) == at]

    return listed


def gone_with_scope(collection: str) -> Callable[[Cloud, str], None]:
    """Removes what stands on a scope, or on anything below it."""

    def remove(cloud: Cloud, scope: str) -> None:
        for key, _ in list(cloud.store.scan(collection, f"{scope.lower()}/")):
            cloud.store.delete(collection, key)

    return remove
