"""Microsoft.MachineLearningServices/workspaces/models/versions: versions of registered models, as azure-ai-ml has them.

MLflow's registry keeps them (`models.registry`): tags and description are MLflow's, `isArchived` is its stage Archived,
`flavors` and the properties that show the signature come from the model's `MLmodel` file. A version's path never
changes. Source: Microsoft, "Model Versions" (REST 2023-08-01-preview), and what azure-ai-ml 1.35 sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.assets.assets import WORKSPACE, asked, in_view
from azmlflow.localazure.kinds.assets.models import NAME
from azmlflow.localazure.models import mlmodel, places, records
from azmlflow.localazure.models.places import DatastorePath
from azmlflow.localazure.models.records import Version
from azmlflow.localazure.models.registry import Registry
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, pick, texts
from azmlflow.localazure.resources.kind import Kind, NameRule, child_of
from azmlflow.localazure.resources.verbs import Elsewhere, Verbs

_TYPE = f"{WORKSPACE}/models/versions"
_CUSTOM, _MLFLOW = "custom_model", "mlflow_model"
_TYPES = (_CUSTOM, _MLFLOW, "triton_model")
_DEFAULTS: Document = {"description": "", "isArchived": False, "isAnonymous": False, "tags": {}, "properties": {}}
_FROM = "archivedFrom"  # the stage, of what azure-ai-ml archived
_STAGE_ACTION = f"{WORKSPACE}/assets/stage/write"


def _shape(ask: Ask, _existing: Document | None) -> Document:
    found = pick(ask.properties, _DEFAULTS, ("modelUri", "modelType", "stage", "flavors", "jobName"))
    found["properties"] = {
        name: value for name, value in texts("properties", found).items() if not mlmodel.is_computed(name)
    }
    if found.get("modelType"):
        found["modelType"] = choice("modelType", found["modelType"], _TYPES)
    return {"properties": {**found, "tags": texts("tags", found)}}


async def _read(ask: Ask, workspace: Document) -> Document | None:
    registry = Registry(ask.cloud, workspace)
    name, number = ask.target.names[-2:]
    version = await registry.version(name, number)
    return None if version is None else await _document(registry, version)


async def _listed(ask: Ask, workspace: Document) -> list[Document]:
    registry = Registry(ask.cloud, workspace)
    model = await registry.model(ask.target.name)
    found = [] if model is None else await registry.versions(model.name)
    query = ask.query
    shown = [
        await _document(registry, each)
        for each in found
        if in_view(ask, each.archived)
        and query.get("version") in (None, "", str(each.number))
        and query.get("stage", "").lower() in ("", _stage(each).lower())
        and records.matches(each.tags, query.get("tags"))
        and records.matches(each.kept.get("properties", {}), query.get("properties"))
        and query.get("description", "") in ("", each.description)
    ]
    return asked(ask, shown, ("version", "stage", "tags", "properties", "description"))


async def _write(ask: Ask, workspace: Document) -> tuple[bool, Document]:
    registry = Registry(ask.cloud, workspace)
    name, number = ask.target.names[-2:]
    NAME.check(name)
    told = _shape(ask, None)["properties"]
    before = await registry.version(name, number)
    if before is None:
        before, made = await _make(ask, registry, told)
    else:
        made = False
    place = await places.of_version(registry, before)
    if told.get("modelUri") and not _same(told["modelUri"], place, before, workspace):
        raise bad_request("UserError", "Asset paths cannot be updated.", target="modelUri")
    kept = {**before.kept, **_said(before, told)}
    kept["properties"] = records.extended(before.kept.get("properties", {}), told["properties"])
    stage, kept = _moved(ask, before, kept, told)
    tags = told["tags"]
    after = await registry.change_version(before, kept, description=told["description"], tags=tags, stage=stage)
    assert after is not None
    return made, await _document(registry, after)


async def _make(ask: Ask, registry: Registry, told: Mapping[str, Any]) -> tuple[Version, bool]:
    """Register a version: what its path means is looked up once, for every client.

    Raises:
        AzureError: 400, there is no path, or nothing is there, or it is another workspace's; 403.
    """
    uri = told.get("modelUri")
    if not isinstance(uri, str) or not uri:
        raise bad_request("InvalidRequestContent", "A model version needs a 'modelUri'.", target="modelUri")
    place = places.parse(uri, registry.workspace, registry.cloud)
    if place is None:
        raise bad_request(
            "UserError", f"A model cannot be made from '{uri}': it is not an Azure ML path.", target="modelUri"
        )
    who = ask.caller.principal.object_id
    await places.check(registry, place, ask.cloud.enforcer.why_not(who, f"{WORKSPACE}/datastores/read", registry.id))
    kind = told.get("modelType") or _CUSTOM
    if kind == _MLFLOW and mlmodel.read(registry.cloud, registry.workspace, place) is None:
        raise bad_request(
            "UserError", f"No {mlmodel.FILE} file is at '{uri}': it is not an MLflow model.", target="modelUri"
        )
    name, number = ask.target.names[-2:]
    model = await registry.model(name)
    kept = {**records.created_by(ask.caller), "type": kind, "properties": told["properties"]}
    try:
        made = await registry.make_version(
            name if model is None else model.name,
            places.long_uri(place, registry.workspace),
            kept,
            number=int(number),
            run_id=place.run[0] if place.run else "",
            description=told["description"],
            tags=told["tags"],
        )
    except AzureError as error:
        found = await registry.version(name, number) if error.status == 409 else None
        if found is None:
            raise
        return found, False  # made by another request in between
    return made, True


def _said(version: Version, told: Document) -> Document:
    """What a client says of a version and MLflow has no field for; what it does not say stays.

    Raises:
        AzureError: 400, the version comes of another job.
    """
    job = told.get("jobName")
    if job and version.run_id and job != version.run_id:
        raise bad_request("UserError", f"The model version comes of the job '{version.run_id}'.", target="jobName")
    names = {"jobName": "job", "flavors": "flavors", "isAnonymous": "anonymous"}
    return {kept: told[name] for name, kept in names.items() if told.get(name)}


def _same(uri: str, place: DatastorePath | None, version: Version, workspace: Document) -> bool:
    if uri == version.source:
        return True
    told = places.parse(uri, workspace)
    return told is not None and told.same(place)


def _moved(ask: Ask, before: Version, kept: Document, told: Mapping[str, Any]) -> tuple[str, Document]:
    """The stage that the request means, MLflow's, and what is kept of one that MLflow has not.

    Who archives and restores by azure-ai-ml says no stage either time (its `_archive_restore_body`): what is restored
    has the stage that it was archived from. MLflow's own move to Archived replaces the stage, and leaves none to go
    back to.

    Raises:
        AzureError: 403, the caller may not move versions between stages.
    """
    wanted = told.get("stage") or (before.kept.get(_FROM, "") if before.archived else _stage(before))
    known = next((each for each in records.STAGES if each.lower() == str(wanted).lower()), None)
    stage = records.ARCHIVED if told["isArchived"] else known or records.NO_STAGE
    kept = {name: value for name, value in kept.items() if name not in ("stage", _FROM)}
    if told["isArchived"] and wanted and known != records.ARCHIVED:
        kept[_FROM] = str(wanted)
    if known is None and wanted:
        kept["stage"] = str(wanted)
    if stage != before.stage or (kept.get("stage") or None) != (before.kept.get("stage") or None):
        ask.cloud.enforcer.require(ask.caller, _STAGE_ACTION, ask.target.id)
    return stage, kept


def _stage(version: Version) -> str:
    """The stage as azure-ai-ml shows it: MLflow's, else the one that MLflow has not."""
    return version.stage if version.stage != records.NO_STAGE else str(version.kept.get("stage", ""))


async def _document(registry: Registry, version: Version) -> Document:
    place = await places.of_version(registry, version)
    told = None if place is None else mlmodel.read(registry.cloud, registry.workspace, place)
    kind = version.kept.get("type") or (_CUSTOM if told is None else _MLFLOW)
    shown = told if kind == _MLFLOW else None
    properties = version.kept.get("properties", {})
    if place is not None:
        computed = mlmodel.properties(
            shown, places.prefix(place, version.name, version.number), place.path, version.source
        )
        properties = {**properties, **computed}
    return {
        "id": f"{registry.id}/models/{version.name}/versions/{version.number}",
        "name": str(version.number),
        "type": _TYPE,
        "systemData": records.system_data(version),
        "properties": {
            "description": version.description,
            "tags": dict(version.tags),
            "properties": properties,
            "isArchived": version.archived,
            "isAnonymous": bool(version.kept.get("anonymous")),
            "stage": _stage(version) or None,
            "modelType": kind,
            "modelUri": version.source if place is None else places.long_uri(place, registry.workspace),
            "jobName": version.run_id or version.kept.get("job"),
            "flavors": version.kept.get("flavors") or mlmodel.flavors(shown),
        },
    }


async def _remove(ask: Ask, workspace: Document) -> bool:
    registry = Registry(ask.cloud, workspace)
    name, number = ask.target.names[-2:]
    version = await registry.version(name, number)
    if version is not None:
        await registry.remove_version(version)
    return version is not None


MODEL_VERSION = Kind(
    type=_TYPE,
    name=NameRule(
        records.NUMBER,
        "InvalidVersion",
        "The version '{name}' of a model is not valid: it is a positive integer, as in MLflow and SDK v1.",
    ),
    shape=_shape,
    placement=child_of(WORKSPACE),
    has_provisioning_state=False,
    has_system_data=True,
    verbs=Verbs(patch=False),
    elsewhere=Elsewhere(_read, _listed, _write, _remove),
)
