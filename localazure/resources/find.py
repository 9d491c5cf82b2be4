"""Finding the documents that a path names; resources by id; the id under which a new document is kept."""

from __future__ import annotations

from collections.abc import Iterator

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import RESOURCES
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.kind import Kind
from azmlflow.localazure.resources.paths import Target, group_id, is_valid_scope
from azmlflow.rbac import scopes


def document(cloud: Cloud, kind: Kind, target: Target) -> Document | None:
    """The document that a path names, or None."""
    documents = kind.documents
    if documents.find is not None:
        return documents.find(cloud, target)
    return cloud.store.get(documents.collection, documents.key(target))


def resource(cloud: Cloud, id_: str) -> Document | None:
    """The resource or group of an id, in whatever case, or None."""
    return cloud.store.get(RESOURCES, id_.lower())


def below(cloud: Cloud, id_: str) -> Iterator[Document]:
    """The resources below an id, in whatever case: children, or all of a group. In the order of their ids."""
    return (found for _, found in cloud.store.scan(RESOURCES, f"{id_.rstrip('/')}/".lower()))


def keep(cloud: Cloud, document: Document) -> None:
    """Write a resource under its id."""
    cloud.store.put(RESOURCES, document["id"].lower(), document)


def group(cloud: Cloud, target: Target) -> Document:
    """The group that a path lies in.

    Raises:
        AzureError: 404 `ResourceGroupNotFound`.
    """
    found = resource(cloud, group_id(target))
    if found is None:
        raise AzureError(404, "ResourceGroupNotFound", f"Resource group '{target.group}' could not be found.")
    return found


def ground(cloud: Cloud, kind: Kind, target: Target, verb: str) -> None:
    """Make sure of what a path's resource stands in: its group, and the resource that it lives under.

    Raises:
        AzureError: 404 `ResourceGroupNotFound`, `ParentResourceNotFound`; the first also for a group itself.
    """
    group(cloud, target)
    if kind.placement.level == "child":
        parent(cloud, kind, target, verb)


def parent(cloud: Cloud, kind: Kind, target: Target, verb: str) -> Document:
    """The resource that a path's resource lives under.

    Raises:
        AzureError: 404 `ParentResourceNotFound`.
    """
    depth = len(target.types) - len((kind.placement.parent or "").split("/")) + 1
    id_ = target.parent_id(depth) if not target.is_collection else _above(target, depth)
    found = resource(cloud, id_)
    if found is None:
        raise AzureError(
            404,
            "ParentResourceNotFound",
            f"Failed to perform '{verb}' on resource(s) of type '{kind.type.partition('/')[2]}', because the parent "
            f"resource '{id_}' could not be found.",
        )
    return found


def missing(kind: Kind, target: Target) -> AzureError:
    """404 in the words of the kind's provider, else `ResourceNotFound` in ARM's."""
    if kind.documents.missing is not None:
        return kind.documents.missing(target)
    pairs = zip(kind.type.split("/")[1:], target.names, strict=True)
    named = "/".join((kind.namespace, *(part for pair in pairs for part in pair)))
    where = f" under resource group '{target.group}'" if target.group else ""
    return AzureError(
        404,
        "ResourceNotFound",
        f"The Resource '{named}'{where} was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix",
    )


def scope(cloud: Cloud, target: Target) -> str:
    """The scope that an extension resource stands on, in the case that its resource was made with.

    Raises:
        AzureError: 404, it does not exist.
    """
    if not is_valid_scope(target.scope):
        raise AzureError(400, "InvalidScope", f"The scope '{target.scope}' is not valid.")
    if not target.scope or target.scope.lower() == _subscription(target).lower():
        return target.scope or scopes.ROOT
    found = resource(cloud, target.scope)
    if found is not None:
        return str(found["id"])
    if (service := _default_service(cloud, target.scope)) is not None:
        return service
    if target.group:
        group(cloud, target)
    raise AzureError(404, "ResourceNotFound", f"The Resource '{target.scope}' was not found.")


def _default_service(cloud: Cloud, id_: str) -> str | None:
    """The id of what a resource has from the start, `<storage account>/blobServices/default`; None if it is no such."""
    above, service, name = id_.rsplit("/", 2)
    parent = resource(cloud, above) if name.lower() == "default" else None
    return f"{parent['id']}/{service}/default" if parent is not None else None


def new_id(cloud: Cloud, kind: Kind, target: Target) -> str:
    """The id of a resource that is being made: its own name as written, all above it as they were made."""
    level = kind.placement.level
    if level == "subscription":
        return f"{_subscription(target)}/resourceGroups/{target.name}"
    if level == "extension":
        return scopes.extension_id(scope(cloud, target), kind.type, *target.names)
    names = list(target.names)
    if level == "child":
        above = scopes.parse(parent(cloud, kind, target, "write")["id"])
        names[: len(above.names)] = above.names
    return scopes.extension_id(group(cloud, target)["id"], kind.type, *names)


def _subscription(target: Target) -> str:
    return scopes.subscription_id(target.subscription or "")


def _above(target: Target, depth: int) -> str:
    segments = target.id.split("/")
    return "/".join(segments[: -1 - 2 * (depth - 1)])
