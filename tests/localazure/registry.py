"""MLflow's registry in a few dictionaries, for tests without its server; `walk` holds it to the real one.

It answers what `azmlflow.localazure.models.registry` asks, in MLflow's shapes and with MLflow's refusals.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from azmlflow.localazure.tracking.answers import MlflowAnswer

API = "/api/2.0/mlflow"
Ask = Callable[..., Awaitable[httpx.Response | MlflowAnswer]]


def _told(**body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


def _refused(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error_code": code, "message": message})


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    tags = [{"key": key, "value": value} for key, value in found["tags"].items()]
    rest = {name: value for name, value in found.items() if name != "tags"}
    return {**rest, "tags": tags} if tags else rest


@dataclass
class RegistryMlflow:
    """Stands for the MLflow server where models are concerned; runs are those it is told of.

    Attributes:
        now: milliseconds, as MLflow's timestamps are; goes on by one with each write.
        runs: (workspaceId, run id) -> experiment id.
        forgotten: workspaces that it was told to forget.
    """

    now: Callable[[], int] = lambda: 1_700_000_000_000
    runs: dict[tuple[str, str], str] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    models: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    versions: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    highest: dict[tuple[str, str], int] = field(default_factory=dict)

    def forget(self, workspace_id: str) -> None:
        """Remember to have been told."""
        self.forgotten.append(workspace_id)

    async def request(
        self,
        method: str,
        path: str,
        workspace: str,
        *,
        params: Any = None,
        json_body: Any = None,
        model_version: int | None = None,
        **_: Any,
    ) -> httpx.Response:
        """Answer as MLflow does."""
        given: dict[str, Any] = {**httpx.QueryParams(params or {}), **(json_body or {})}
        kind, _slash, act = path.removeprefix(f"{API}/").partition("/")
        if (kind, act) == ("experiments", "search"):
            there = {experiment for (held, _), experiment in self.runs.items() if held == workspace}
            return _told(experiments=[{"experiment_id": each, "name": "named"} for each in sorted(there)])
        if kind in ("runs", "experiments"):
            return self._of_run(workspace, given)
        if act == "search":
            return self._search(kind, workspace, given)
        if act == "create":
            return self._create(kind, workspace, given, model_version)
        name, number = given["name"], given.get("version")
        found = self.models.get((workspace, name)) if number is None else self.versions.get((workspace, name, number))
        if found is None or "deleted" in found:
            return _refused(404, "RESOURCE_DOES_NOT_EXIST", f"{name} {number or ''} not found")
        return self._act(kind, act, (workspace, name), given, found)

    def _of_run(self, workspace: str, given: dict[str, str]) -> httpx.Response:
        if "experiment_id" in given:
            return _told(experiment={"experiment_id": given["experiment_id"], "name": "named"})
        experiment = self.runs.get((workspace, given["run_id"]))
        if experiment is None:
            return _refused(404, "RESOURCE_DOES_NOT_EXIST", f"Run {given['run_id']} not found")
        return _told(run={"info": {"run_id": given["run_id"], "experiment_id": experiment}})

    def _search(self, kind: str, workspace: str, given: dict[str, str]) -> httpx.Response:
        if kind == "registered-models":
            found = [_shown(each) for key, each in self.models.items() if key[0] == workspace]
            return _told(registered_models=found)
        named = given.get("filter", "").removeprefix("name='").removesuffix("'")
        there = [
            _shown(each)
            for key, each in self.versions.items()
            if key[0] == workspace and named in ("", key[1]) and "deleted" not in each
        ]
        return _told(model_versions=there)

    def _create(self, kind: str, workspace: str, given: dict[str, Any], chosen: int | None) -> httpx.Response:
        key, now = (workspace, given["name"]), self.now()
        common = {
            "name": given["name"],
            "creation_timestamp": now,
            "last_updated_timestamp": now,
            "description": given.get("description", ""),
            "tags": {each["key"]: each["value"] for each in given.get("tags", ())},
        }
        if kind == "registered-models":
            if key in self.models:
                return _refused(400, "RESOURCE_ALREADY_EXISTS", f"Registered Model (name={key[1]}) already exists.")
            self.models[key] = {**common, "aliases": []}
            return _told(registered_model=_shown(self.models[key]))
        if key not in self.models:
            return _refused(404, "RESOURCE_DOES_NOT_EXIST", f"Registered Model with name={key[1]} not found")
        number = chosen or self.highest.get(key, 0) + 1
        if "name" in self.versions.get((*key, str(number)), {}):
            return _refused(400, "RESOURCE_ALREADY_EXISTS", f"Model {key[1]} has a version {number}.")
        self.highest[key] = max(number, self.highest.get(key, 0))
        made = {**common, "version": str(number), "current_stage": "None", "source": given["source"]}
        self.versions[*key, str(number)] = {**made, "run_id": given.get("run_id", "")}
        return _told(model_version=_shown(self.versions[*key, str(number)]))

    def _act(
        self, kind: str, act: str, key: tuple[str, str], given: dict[str, Any], found: dict[str, Any]
    ) -> httpx.Response:
        match act:
            case "update":
                found["description"] = given["description"]
            case "set-tag":
                found["tags"][given["key"]] = given["value"]
            case "delete-tag":
                found["tags"].pop(given["key"], None)
            case "transition-stage":
                found["current_stage"] = given["stage"]
            case "alias":
                self.models[key]["aliases"].append({"alias": given["alias"], "version": given["version"]})
            case "get-download-uri":
                return _told(artifact_uri=found["source"])
            case "delete" if kind == "model-versions":
                self.versions[*key, given["version"]] = {"deleted": True}
                return _told()
            case "delete":
                del self.models[key]
                for each in [each for each in self.versions if each[:2] == key]:
                    del self.versions[each]
                return _told()
        if act in ("set-tag", "delete-tag", "alias"):
            return _told()
        if kind == "registered-models":
            return _told(registered_model=_shown(found))
        return _told(model_version=_shown(found))


async def walk(ask: Ask, workspace: str) -> list[Any]:
    """What a server answers to a walk through all that the registry is asked, without instants: the same for both."""
    told: list[Any] = []

    async def call(method: str, path: str, *, number: int | None = None, **given: Any) -> None:
        chosen = {} if number is None else {"model_version": number}
        sent: dict[str, Any] = {"params": given} if method == "GET" else {"json_body": given}
        answer = await ask(method, f"{API}/{path}", workspace, **sent, **chosen)
        told.append((path, answer.status_code, _steady(answer.json())))

    tags = [{"key": "a", "value": "1"}]
    source = "azureml://subscriptions/s/datastores/d/paths/p"
    await call("POST", "registered-models/create", name="m", description="d", tags=tags)
    await call("POST", "registered-models/create", name="m")
    await call("GET", "registered-models/get", name="none")
    await call("POST", "model-versions/create", name="none", source=source)
    await call("POST", "model-versions/create", name="m", source=source, description="d", tags=tags)
    await call("POST", "model-versions/create", name="m", source=source, tags=tags, number=5)
    await call("POST", "model-versions/create", name="m", source=source, number=5)
    await call("POST", "model-versions/create", name="m", source=source)
    await call("POST", "model-versions/set-tag", name="m", version="5", key="b", value="2")
    await call("DELETE", "model-versions/delete-tag", name="m", version="5", key="a")
    await call("PATCH", "model-versions/update", name="m", version="5", description="e")
    moved: dict[str, Any] = {"stage": "Archived", "archive_existing_versions": False}
    await call("POST", "model-versions/transition-stage", name="m", version="5", **moved)
    await call("GET", "model-versions/get", name="m", version="5")
    await call("GET", "model-versions/get", name="m", version="4")
    await call("GET", "model-versions/get-download-uri", name="m", version="6")
    await call("DELETE", "model-versions/delete", name="m", version="5")
    await call("GET", "model-versions/get", name="m", version="5")
    await call("POST", "model-versions/create", name="m", source=source, number=5)
    await call("GET", "model-versions/get", name="m", version="5")
    await call("POST", "registered-models/set-tag", name="m", key="c", value="3")
    await call("PATCH", "registered-models/update", name="m", description="f")
    await call("GET", "registered-models/get", name="m")
    await call("DELETE", "registered-models/delete", name="m")
    await call("GET", "model-versions/search", filter="name='m'", max_results="10")
    await call("GET", "registered-models/search", max_results="10")
    return told


def _steady(body: Any) -> Any:
    """An answer without what differs: instants, texts of refusals, empty members, the order of tags."""
    volatile = (
        "latest_versions",
        "creation_timestamp",
        "last_updated_timestamp",
        "message",
        "user_id",
        "status",
        "run_link",
        "aliases",
        "sqlstate",
        "error_class",
    )
    if isinstance(body, list):
        return sorted((_steady(each) for each in body), key=str)
    if isinstance(body, dict):
        return {name: _steady(value) for name, value in body.items() if name not in volatile and value not in ("", [])}
    return body
