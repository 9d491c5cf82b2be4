"""`/modelmanagement/v1.0<workspace id>/...`: models as SDK v1 registers, lists, changes and deletes them.

    POST   assets          {"name", "artifacts": [{"prefix"}], "runid"}: what is to become a model
    GET    assets/<id>
    POST   models          {"name", "url": "aml://asset/<id>", "kvTags", "properties", ...}: the next version
    GET    models          ?name, tags, properties, runId, framework, latestVersionOnly, count, $skipToken; newest first
    GET    models/<name>:<version>
    PATCH  models/<name>:<version>   JSON patch
    DELETE models/<name>:<version>
    GET    services[/<name>]         the web services of SDK v1, which ended with it: none; MLflow asks for them

MLflow's registry keeps the models (`models.registry`). An asset is nothing but the artifacts that it names, so its id
is their prefix in base64, and nothing is kept of it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from azmlflow.localazure.azureml.request.bodies import json_object, json_value
from azmlflow.localazure.azureml.request.target import WorkspaceRequest, no_such_endpoint
from azmlflow.localazure.core import odata
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.models import mlmodel, places, records
from azmlflow.localazure.models.records import Version
from azmlflow.localazure.models.registry import Registry

_ASSET_URL = "aml://asset/"
_MOST = 255  # the SDK's own limit of a page
# What the registry has no field for, kept and told again as it was given.
_KEPT = (
    "framework", "frameworkVersion", "mimeType", "experimentName", "sampleInputData", "sampleOutputData",
    "resourceRequirements",
)  # fmt: skip
_PATCHED = {"/kvTags": "tags", "/description": "description", "/properties": "properties"}
_PATCHED_KEPT = {f"/{name}": name for name in ("sampleInputData", "sampleOutputData", "resourceRequirements")}


async def answer(target: WorkspaceRequest) -> Response:
    """Answer a request to the model management service.

    Raises:
        AzureError: 404 for another path, model or asset, 400, 403.
        MlflowUnavailable: MLflow cannot answer now.
    """
    if target.request.method == "GET" and target.rest[:1] == ("services",) and len(target.rest) <= 2:
        return _services(target, target.rest[1:])
    return await _of_models(target)


async def _of_models(target: WorkspaceRequest) -> Response:
    method, rest = target.request.method, target.rest
    target.authorise(method, target.service, "/" + "/".join(rest))
    registry = Registry(target.cloud, target.workspace)
    match method, rest:
        case "POST", ("assets",):
            return JSONResponse(_asset(_prefix_of(await json_object(target))))
        case "GET", ("assets", id_):
            return JSONResponse(_asset(_decoded(id_)))
        case "GET", ("models",):
            return JSONResponse(await _list(target, registry))
        case "POST", ("models",):
            return JSONResponse(await _register(target, registry, await json_object(target)))
        case _, ("models", id_):
            version = await _existing(registry, id_)
            if method == "DELETE":
                await registry.remove_version(version)
                return Response(status_code=200)
            if method == "PATCH":
                version = await _patched(registry, version, await json_value(target))
            return JSONResponse(await _shown(registry, version, {}))
    raise no_such_endpoint(f"{method} {target.request.url.path}")


def _services(target: WorkspaceRequest, name: tuple[str, ...]) -> Response:
    """The web services of SDK v1, of which there are none; to be told so takes the right to see endpoints, inferred."""
    target.require("onlineEndpoints/read")
    if not name:
        return JSONResponse({"value": []})
    # MLflow's client knows by this word that there is none (azureml-mlflow 1.62, `get_deployment`).
    raise AzureError(404, "NoSuchService", f"NoSuchService: no service with the name '{name[0]}' was found.")


async def _register(target: WorkspaceRequest, registry: Registry, body: Mapping[str, Any]) -> Document:
    """Make the next version of a model.

    Raises:
        AzureError: 400, the name is not valid, there is no such asset, or nothing is at its prefix.
    """
    name, url = body.get("name"), body.get("url")
    if not isinstance(name, str) or re.fullmatch(records.NAME, name) is None:
        raise bad_request("UserError", f"The model name '{name}' is not valid.", target="name")
    if not isinstance(url, str) or not url.startswith(_ASSET_URL):
        raise bad_request("UserError", f"A model is made from an asset; its url is '{_ASSET_URL}<id>'.", target="url")
    place = places.parse(f"azureml://artifacts/{_decoded(url.removeprefix(_ASSET_URL))}", target.workspace)
    assert place is not None
    await places.check(registry, place, why_not_read="no path of a datastore is registered here")
    run = place.run
    model = await registry.model(name)
    version = await registry.make_version(
        name if model is None else model.name,
        places.long_uri(place, target.workspace),
        {
            **records.created_by(target.caller),
            "properties": _texts(body.get("properties"), "properties"),
            "sdk1": {key: body[key] for key in _KEPT if body.get(key) is not None},
        },
        run_id=str(body.get("runId") or (run[0] if run else "")),
        description=str(body.get("description") or ""),
        tags=_texts(body.get("kvTags"), "kvTags"),
    )
    return await _shown(registry, version, {})


async def _list(target: WorkspaceRequest, registry: Registry) -> Document:
    query = target.query
    found = await registry.versions(query.get("name") or None)
    archived = {each.name for each in await registry.models() if each.archived}
    wanted = [
        each
        for each in found
        if not each.archived
        and each.name not in archived
        and query.get("runid") in (None, each.run_id)
        and query.get("framework") in (None, each.kept.get("sdk1", {}).get("framework"))
        and records.matches(each.tags, query.get("tags"))
        and records.matches(each.kept.get("properties", {}), query.get("properties"))
    ]
    if query.get("latestversiononly", "").lower() == "true":
        latest: dict[str, Version] = {}
        for each in wanted:
            latest.setdefault(each.name, each)
        wanted = list(latest.values())
    start, count = _number(query.get("$skiptoken"), 0), min(_number(query.get("count"), _MOST), _MOST)
    experiments: dict[str, str | None] = {}
    page: Document = {"value": [await _shown(registry, each, experiments) for each in wanted[start:][:count]]}
    if start + count < len(wanted):
        url = target.request.url.include_query_params(**{"$skipToken": str(start + count)})
        page |= {"nextLink": str(url), "continuationToken": str(start + count)}
    return page


async def _patched(registry: Registry, before: Version, operations: Any) -> Version:
    """A version with a JSON patch laid over it, as far as Azure ML lets models be changed."""
    changes: dict[str, Any] = {
        "tags": before.tags,
        "description": before.description,
        "properties": before.kept.get("properties", {}),
    }
    sdk1 = dict(before.kept.get("sdk1", {}))
    for each in operations if isinstance(operations, list) else [operations]:
        path = str(each.get("path")) if isinstance(each, dict) else ""
        known = path in _PATCHED or path in _PATCHED_KEPT
        if not known or each.get("op") not in ("add", "replace"):
            raise bad_request("UserError", f"A model's '{path}' cannot be changed.", target="path")
        if path in _PATCHED_KEPT:
            sdk1[_PATCHED_KEPT[path]] = each.get("value")
        else:
            changes[_PATCHED[path]] = each.get("value")
    given = {
        name: value
        for name, value in _texts(changes["properties"], "properties").items()
        if not mlmodel.is_computed(name)
    }
    kept = {**before.kept, "properties": records.extended(before.kept.get("properties", {}), given)}
    if sdk1:
        kept["sdk1"] = sdk1
    after = await registry.change_version(
        before,
        kept,
        description=str(changes["description"] or ""),
        tags=_texts(changes["tags"], "kvTags"),
        stage=before.stage,
    )
    assert after is not None
    return after


async def _existing(registry: Registry, id_: str) -> Version:
    name, _, number = id_.rpartition(":")
    version = await registry.version(name, number)
    if version is None:
        raise AzureError(404, "ModelNotFound", f"Model {id_} was not found in the workspace.")
    return version


async def _shown(registry: Registry, version: Version, experiments: dict[str, str | None]) -> Document:
    """A version as SDK v1 reads it.

    Args:
        registry: the workspace's.
        version: the version.
        experiments: names of experiments by run, as far as they were looked up; added to.
    """
    place = await places.of_version(registry, version)
    told = None if place is None else mlmodel.read(registry.cloud, registry.workspace, place)
    prefix = "" if place is None else places.prefix(place, version.name, version.number)
    properties = dict(version.kept.get("properties", {}))
    if place is not None:
        properties |= mlmodel.properties(told, prefix, place.path, version.source)
    sdk1 = version.kept.get("sdk1", {})
    who = version.kept.get("createdBy", {})
    run = version.run_id
    if run and "experimentName" not in sdk1 and run not in experiments:
        experiments[run] = await registry.experiment_name(run)
    return {
        **dict.fromkeys(_KEPT),
        "mimeType": "application/json",
        "experimentName": experiments.get(run or ""),
        **sdk1,
        "id": f"{version.name}:{version.number}",
        "name": version.name,
        "version": version.number,
        "url": _ASSET_URL + _encoded(prefix) if prefix else version.source,
        "description": version.description,
        "createdTime": version.created,
        "modifiedTime": version.updated,
        "createdBy": {"userObjectId": who.get("objectId"), "userName": who.get("name")},
        "unpack": False,
        "runId": run or None,
        "kvTags": dict(version.tags),
        "properties": properties,
        "datasets": [],
        "parentModelId": None,
        "derivedModelIds": [],
    }


def _prefix_of(body: Mapping[str, Any]) -> str:
    artifacts = body.get("artifacts")
    first = artifacts[0] if isinstance(artifacts, list) and len(artifacts) == 1 else None
    prefix = first.get("prefix") if isinstance(first, dict) else None
    if not isinstance(prefix, str) or prefix.count("/") < 2:
        raise bad_request(
            "UserError", "An asset names one prefix of artifacts, '<origin>/<container>/<path>'.", target="artifacts"
        )
    return prefix.strip("/")


def _asset(prefix: str) -> Document:
    return {"id": _encoded(prefix), "name": prefix.rpartition("/")[2], "artifacts": [{"prefix": prefix}]}


def _encoded(prefix: str) -> str:
    return base64.urlsafe_b64encode(prefix.encode()).decode().rstrip("=")


def _decoded(id_: str) -> str:
    try:
        prefix = base64.urlsafe_b64decode(id_ + "=" * (-len(id_) % 4)).decode()
    except (binascii.Error, ValueError):
        prefix = ""
    if prefix.count("/") < 2 or _encoded(prefix) != id_:
        raise AzureError(404, "AssetNotFound", f"Asset {id_} was not found in the workspace.")
    return prefix


def _texts(given: Any, name: str) -> dict[str, str]:
    """An object of texts; other values become texts, as the SDK's own tags of numbers do."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise bad_request("UserError", f"'{name}' is not an object.", target=name)
    return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}


def _number(text: str | None, default: int) -> int:
    if not text:
        return default
    found = odata.count(text)
    if found is None:
        raise bad_request("UserError", f"'{text}' is not a number.")
    return found
