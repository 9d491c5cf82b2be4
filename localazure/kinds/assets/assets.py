"""What data, environments and code assets have in common: versions, below a container that tells the latest and next.

A container comes with its first version. Containers and versions can be archived, which hides them from lists.
Source: Microsoft, "Data Containers", "Data Versions" (REST 2023-04-01-preview) and their like, and what azure-ai-ml
1.35 sends.
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core import odata
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.models.records import matches
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, pick, require, stamp, texts, wrong_type
from azmlflow.localazure.resources.kind import Kind, NameRule, child_of
from azmlflow.localazure.resources.verbs import Verbs

WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
_RULE = r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}"
# Parameters of every list; `api-version` and pages are read elsewhere.
_ALWAYS = ("api-version", "$top", "$skiptoken", "$skip", "$orderby", "listviewtype")
_NEWEST, _OLDEST = ("createdtime desc", "createdat desc", "createdtimeutc desc"), "createdtime asc"
_VIEWS = ("ActiveOnly", "ArchivedOnly", "All")
_DEFAULTS: Document = {"isArchived": False, "tags": {}, "properties": {}}
NAME = NameRule(
    _RULE,
    "InvalidName",
    "The asset name '{name}' is not valid: it has 1 to 255 letters, digits, '_', '.' or '-', and begins with a letter "
    "or digit.",
)


def version_rule(what: str) -> NameRule:
    """How versions are named, of `an environment` say."""
    return NameRule(_RULE, "InvalidVersion", "The version '{name}' of " + what + " is not valid.")


def in_view(ask: Ask, archived: bool) -> bool:
    """Whether the request's `listViewType` shows what is, or is not, archived."""
    view = choice("listViewType", ask.query.get("listviewtype") or "ActiveOnly", _VIEWS)
    return view == "All" or archived is (view == "ArchivedOnly")


def asked(ask: Ask, found: list[Document], also: tuple[str, ...] = ()) -> list[Document]:
    """What a list shows of what there is, as its other parameters ask; `lists` cuts it into pages.

        $skip      how many not to show
        $orderBy   createdtime, which it has anyway: the one made last first; `createdtime asc` turns it around

    Others are refused: inferred, Azure may not look at them.

    Args:
        ask: the request.
        found: what there is, the one made last first.
        also: parameters that the caller has looked at, lower case.

    Raises:
        AzureError: 400, a parameter is unknown, or has a value that is none.
    """
    for name, value in ask.query.items():
        if value and name not in (*_ALWAYS, *also):
            raise bad_request("InvalidQueryParameter", f"This list has no query parameter '{name}'.", target=name)
    order, skip = (ask.query.get("$orderby") or _NEWEST[0]).lower().strip(), ask.query.get("$skip") or "0"
    start = odata.count(skip)
    if start is None or order not in (*_NEWEST, _OLDEST):
        raise bad_request("InvalidQueryParameterValue", f"'{skip if start is None else order}' is not supported here.")
    return (found[::-1] if order == _OLDEST else found)[start:]


def check_name(ask: Ask, _existing: Document | None) -> None:
    """Refuse a version whose asset has a name that is not valid."""
    NAME.check(ask.target.names[-2])


def listed(ask: Ask) -> list[Document]:
    """The versions at the path that the request's view shows, the one made last first, as `$orderBy` asks."""
    below = find.below(ask.cloud, ask.target.id)
    shown = [document for document in below if in_view(ask, document["properties"]["isArchived"])]
    tags, stage = ask.query.get("$tags") or ask.query.get("tags"), ask.query.get("stage")
    chosen = [
        each
        for each in shown
        if matches(each["properties"]["tags"], tags) and stage in (None, "", each["properties"].get("stage"))
    ]
    return asked(ask, _newest_first(chosen), ("$tags", "tags", "stage", "hash", "hashversion"))


def keep_container(ask: Ask, document: Document) -> None:
    """Make the container of a version, if there is none yet."""
    id_ = "/".join(document["id"].split("/")[:-2])
    if find.resource(ask.cloud, id_) is None:
        told = {key: document["properties"][key] for key in ("dataType",) if key in document["properties"]}
        made = {
            "id": id_,
            "name": id_.rpartition("/")[2],
            "type": document["type"].rpartition("/")[0],
            "systemData": stamp(ask, None),
            "properties": {**_DEFAULTS, **told},
        }
        find.keep(ask.cloud, made)


def container(name: str, *, types: tuple[str, ...] = (), action_type: str | None = None) -> Kind:
    """The kind of the containers of an asset.

    Args:
        name: the last part of its type, `data`.
        types: what `dataType` can be, which each body has to say; nothing where there is none.
        action_type: as of a kind.
    """
    type_ = f"{WORKSPACE}/{name}"

    def containers(ask: Ask) -> list[Document]:
        below = find.below(ask.cloud, ask.target.id)
        shown = [each for each in below if each["type"] == type_ and in_view(ask, each["properties"]["isArchived"])]
        return asked(ask, shown)

    def shape(ask: Ask, existing: Document | None) -> Document:
        require(ask.body, ["properties"])
        if types:
            choice("dataType", ask.properties.get("dataType"), types)
        return _shape(ask, existing)

    return Kind(
        type=type_,
        name=NAME,
        shape=shape,
        placement=child_of(WORKSPACE),
        has_provisioning_state=False,
        has_system_data=True,
        action_type=action_type,
        verbs=Verbs(get=_shown, listed=containers),
    )


def described(ask: Ask, defaults: Document, optional: tuple[str, ...] = ()) -> Document:
    """The writable properties of an asset, whose description, tags and properties are texts.

    Args:
        ask: the request.
        defaults: see `fields.pick`; `tags` and `properties` are among them.
        optional: the same; `description` is among them by itself.

    Raises:
        AzureError: 400 `InvalidRequestContent`.
    """
    found = pick(ask.properties, defaults, ("description", *optional))
    if not isinstance(found.get("description", ""), str):
        raise wrong_type("description", found["description"], "string")
    return {**found, "tags": texts("tags", found), "properties": texts("properties", found)}


def _shape(ask: Ask, existing: Document | None) -> Document:
    found = described(ask, _DEFAULTS, ("dataType",))
    fixed = {key: existing["properties"][key] for key in ("dataType",) if existing and key in existing["properties"]}
    return {"properties": {**found, **fixed}}


def _shown(cloud: Cloud, document: Document) -> Document:
    """A container with its latest version, the one made last, and the next, one more than the highest number."""
    versions = _newest_first(list(find.below(cloud, f"{document['id']}/versions")))
    highest = max((int(each["name"]) for each in versions if each["name"].isdecimal()), default=0)
    told = {"latestVersion": versions[0]["name"] if versions else None, "nextVersion": str(highest + 1)}
    return {**document, "properties": {**document["properties"], **told}}


def _newest_first(versions: list[Document]) -> list[Document]:
    def made(version: Document) -> tuple[Any, ...]:
        name = version["name"]
        return version["systemData"]["createdAt"], int(name) if name.isdecimal() else 0, name

    return sorted(versions, key=made, reverse=True)
