"""A registered model and a version of one, as MLflow's registry keeps them for all clients.

The registry is the only store. What it has no field for (type, properties, who registered, what SDK v1 tells of a
framework) is one JSON document in a reserved tag of the model or version itself: so it comes into being in the same
request, follows a rename, and goes with the deletion, whichever client asks for it. A document beside the registry
would have to be told of all three. The tag is hidden from every client, and none may write it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azmlflow.localazure.core.clock import from_milliseconds, timestamp
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.resourcetypes.bounds import MODEL, MODEL_VERSION

RESERVED = "azmlflow."
TAG = f"{RESERVED}asset"
ARCHIVED, NO_STAGE = "Archived", "None"
STAGES = (NO_STAGE, "Staging", "Production", ARCHIVED)
NAME, NUMBER = MODEL, MODEL_VERSION


@dataclass(frozen=True)
class Model:
    """A registered model: what Azure Resource Manager calls a container.

    Attributes:
        name: its name.
        description: a text, "" if none.
        tags: its tags, without the reserved one.
        kept: the document of the reserved tag.
        created, updated: ISO 8601 instants.
    """

    name: str
    description: str
    tags: Mapping[str, str]
    kept: Document
    created: str
    updated: str

    @property
    def archived(self) -> bool:
        """Whether azure-ai-ml has archived the model as a whole, which MLflow knows nothing of."""
        return bool(self.kept.get("archived"))


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        name: the model's.
        number: the version's.
        source: where its files are, as it was told at the registration.
        run_id: the run that made it, "" if none.
        stage: MLflow's: one of `STAGES`.
        description, tags, kept, created, updated: as a model's.
    """

    name: str
    number: int
    source: str
    run_id: str
    stage: str
    description: str
    tags: Mapping[str, str]
    kept: Document
    created: str
    updated: str

    @property
    def archived(self) -> bool:
        """Whether it is in the stage Archived: what `archive` of azure-ai-ml means, told so that MLflow sees it.

        Inferred: Microsoft says of neither what the other client makes of it.
        """
        return self.stage == ARCHIVED


def model(found: Mapping[str, Any]) -> Model:
    """A model from MLflow's JSON."""
    tags, kept = _tags(found)
    return Model(found["name"], found.get("description", ""), tags, kept, *_times(found))


def version(found: Mapping[str, Any]) -> Version:
    """A version from MLflow's JSON."""
    tags, kept = _tags(found)
    return Version(
        found["name"],
        int(found["version"]),
        found.get("source", ""),
        found.get("run_id", ""),
        found.get("current_stage", NO_STAGE),
        found.get("description", ""),
        tags,
        kept,
        *_times(found),
    )


def tag(kept: Document) -> dict[str, str]:
    """The reserved tag of a document."""
    return {"key": TAG, "value": json.dumps(kept, sort_keys=True)}


def created_by(caller: Caller) -> Document:
    """What is kept of who registers."""
    who = caller.principal
    kind = "User" if who.kind == "User" else "Application"
    return {"createdBy": {"name": who.name, "objectId": who.object_id, "type": kind}}


def system_data(of: Model | Version) -> Document:
    """ARM's `systemData` of a model or version."""
    who = of.kept.get("createdBy", {})
    told = {"createdAt": of.created, "createdBy": who.get("name", ""), "createdByType": who.get("type", "User")}
    return {**told, "lastModifiedAt": of.updated}


def hidden(body: Any) -> Any:
    """An answer of MLflow's registry without reserved tags."""
    if isinstance(body, list):
        return [hidden(each) for each in body if not _is_reserved(each)]
    if isinstance(body, dict):
        return {name: hidden(value) for name, value in body.items()}
    return body


def refuse_reserved(body: Any) -> None:
    """Raise 400 where a client would write a reserved tag."""
    given = body if isinstance(body, dict) else {}
    tags = given.get("tags")
    for each in [given, *(tags if isinstance(tags, list) else [])]:
        if _is_reserved(each):
            raise bad_request("UserError", f"Tags that begin with '{RESERVED}' are reserved.", target="key")


def extended(before: Document, given: Document) -> Document:
    """Properties with those added that are given.

    Raises:
        AzureError: 400, one has another value: Azure ML's properties can be added, and never changed or removed.
    """
    for name in before.keys() & given.keys():
        if before[name] != given[name]:
            raise bad_request("UserError", f"The property '{name}' cannot be changed.", target="properties")
    return {**before, **given}


def matches(pairs: Mapping[str, str], query: str | None) -> bool:
    """Whether tags or properties are those asked for, `name,name=value`, as SDK v1 and Resource Manager spell it."""
    for each in filter(None, (query or "").split(",")):
        name, equals, value = each.partition("=")
        if name not in pairs or (equals and pairs[name] != value):
            return False
    return True


def _is_reserved(entry: Any) -> bool:
    return isinstance(entry, dict) and str(entry.get("key", "")).startswith(RESERVED)


def _tags(found: Mapping[str, Any]) -> tuple[dict[str, str], Document]:
    tags = {each["key"]: each.get("value", "") for each in found.get("tags", ())}
    kept = json.loads(tags.get(TAG, "{}"))
    return {name: value for name, value in tags.items() if not name.startswith(RESERVED)}, kept


def _times(found: Mapping[str, Any]) -> tuple[str, str]:
    created = int(found.get("creation_timestamp", 0))
    updated = int(found.get("last_updated_timestamp", created))
    return _instant(created), _instant(updated)


def _instant(milliseconds: int) -> str:
    return timestamp(from_milliseconds(milliseconds))
