"""MLflow's experiments and runs in a few dictionaries, for tests without its server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from azmlflow.localazure.core.errors import AzureError
from tests.localazure.failures import Failure, fail

API = "/api/2.0/mlflow"


def _refused(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error_code": code, "message": message})


@dataclass
class TrackingMlflow:
    """Stands for the MLflow server where tracking is concerned; each workspace apart.

    Attributes:
        experiments: (workspaceId, id) -> name; their tags; those that are archived; how many were made.
        runs: (workspaceId, run id) -> MLflow's view of it.
        history: (workspaceId, run id, metric) -> values.
        fails: calls (`runs/get`) that fail, and how: by an answer, or by none at all.
    """

    experiments: dict[tuple[str, str], str] = field(default_factory=dict)
    experiment_tags: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    archived: set[tuple[str, str]] = field(default_factory=set)
    made: int = 0
    runs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    history: dict[tuple[str, str, str], list[dict[str, Any]]] = field(default_factory=dict)
    fails: dict[str, Failure] = field(default_factory=dict)

    def forget(self, workspace: str) -> None:
        """Remove what a workspace holds."""
        self.runs = {key: run for key, run in self.runs.items() if key[0] != workspace}

    async def experiment(self, workspace: str, name: str) -> str:
        """The id of an experiment, made if it is not there; this one takes no empty name."""
        if not name.strip():
            raise AzureError(400, "UserError", "Missing value for required parameter 'name'.")
        found = [
            key[1]
            for key, each in self.experiments.items()
            if (key[0], each) == (workspace, name) and key not in self.archived
        ]
        if not found:
            self.made += 1
            found = [str(self.made)]
            self.experiments[workspace, found[0]] = name
        return found[0]

    async def request(
        self,
        method: str,
        path: str,
        workspace: str,
        *,
        params: Any = None,
        json_body: Any = None,
        run_id: str | None = None,
        for_good: bool = False,
    ) -> httpx.Response:
        """Answer as MLflow does."""
        given: dict[str, Any] = {**httpx.QueryParams(params or {}), **(json_body or {})}
        call = path.removeprefix(f"{API}/")
        if call in self.fails:
            return fail(self.fails[call])
        if call.startswith("experiments/"):
            return self._experiment(call.removeprefix("experiments/"), workspace, given, for_good)
        if call == "runs/create":
            return self._create(workspace, given, run_id or f"run{len(self.runs)}")
        if call == "runs/search":
            found = [run for key, run in self.runs.items() if key[0] == workspace]
            wanted = [run for run in found if run["info"]["experiment_id"] in given["experiment_ids"]]
            begin, size = int(given.get("page_token") or 0), 2  # small pages, so that there are several
            more = {"next_page_token": str(begin + size)} if begin + size < len(wanted) else {}
            return httpx.Response(200, json={"runs": wanted[begin:][:size], **more})
        run = self.runs.get((workspace, given["run_id"]))
        if run is None:
            return _refused(404, "RESOURCE_DOES_NOT_EXIST", f"Run {given['run_id']} not found")
        return self._of_run(call, (workspace, given["run_id"]), run, given)

    def _experiment(self, call: str, workspace: str, given: dict[str, Any], for_good: bool) -> httpx.Response:
        if call == "search":
            stages = {"ACTIVE_ONLY": ["active"], "DELETED_ONLY": ["deleted"], "ALL": ["active", "deleted"]}
            shown = [self._shown(key) for key in self.experiments if key[0] == workspace]
            wanted = [each for each in shown if each["lifecycle_stage"] in stages[given["view_type"]]]
            wanted.sort(key=lambda each: int(each["experiment_id"]), reverse=given["order_by"][0].endswith("DESC"))
            begin, size = int(given.get("page_token") or 0), 2
            more = {"next_page_token": str(begin + size)} if begin + size < len(wanted) else {}
            return httpx.Response(200, json={"experiments": wanted[begin:][:size], **more})
        named = [
            key for key, name in self.experiments.items() if (key[0], name) == (workspace, given.get("experiment_name"))
        ]
        key = min(named, key=lambda each: each in self.archived, default=None)
        if "experiment_id" in given and (workspace, given["experiment_id"]) in self.experiments:
            key = (workspace, given["experiment_id"])
        if key is None:
            return _refused(404, "RESOURCE_DOES_NOT_EXIST", "no such experiment")
        return self._of_experiment(call, key, given, for_good)

    def _of_experiment(self, call: str, key: tuple[str, str], given: dict[str, Any], for_good: bool) -> httpx.Response:
        tags = self.experiment_tags.setdefault(key, {})
        if call == "set-experiment-tag":
            if key in self.archived:
                return _refused(400, "INVALID_PARAMETER_VALUE", "The experiment must be in the 'active' state.")
            tags[given["key"]] = given["value"]
        elif call == "delete-experiment-tag":
            del tags[given["key"]]
        elif call == "delete":
            self.archived.add(key)
            if for_good:
                del self.experiments[key]
        elif call == "restore":
            name = self.experiments[key]
            if any(
                key[0] == other[0] and each == name
                for other, each in self.experiments.items()
                if other not in self.archived
            ):
                return _refused(400, "RESOURCE_ALREADY_EXISTS", f"Experiment '{name}' already exists.")
            self.archived.discard(key)
        else:
            return httpx.Response(200, json={"experiment": self._shown(key)})
        return httpx.Response(200, json={})

    def _shown(self, key: tuple[str, str]) -> dict[str, Any]:
        tags = [{"key": name, "value": value} for name, value in self.experiment_tags.get(key, {}).items()]
        return {
            "experiment_id": key[1],
            "name": self.experiments[key],
            "lifecycle_stage": "deleted" if key in self.archived else "active",
            "creation_time": 1_700_000_000_000,
            "last_update_time": 1_700_000_060_000,
            **({"tags": tags} if tags else {}),
        }

    def _create(self, workspace: str, given: dict[str, Any], run_id: str) -> httpx.Response:
        if (workspace, run_id) in self.runs:
            return _refused(400, "RESOURCE_ALREADY_EXISTS", f"A run with id {run_id} exists.")
        info = {
            "run_id": run_id,
            "experiment_id": given["experiment_id"],
            "run_name": given.get("run_name", ""),
            "status": "RUNNING",
            "start_time": given["start_time"],
        }
        run = {"info": info, "data": {"tags": list(given.get("tags", [])), "metrics": []}}
        self.runs[workspace, run_id] = run
        return httpx.Response(200, json={"run": run})

    def _of_run(self, call: str, key: tuple[str, str], run: dict[str, Any], given: dict[str, Any]) -> httpx.Response:
        data = run["data"]
        if call == "runs/get":
            return httpx.Response(200, json={"run": run})
        if call == "metrics/get-history":
            return httpx.Response(200, json={"metrics": self.history.get((*key, given["metric_key"]), [])})
        if call == "runs/update":
            run["info"] |= {name: value for name, value in given.items() if name != "run_id"}
        elif call == "runs/delete-tag":
            data["tags"] = [tag for tag in data["tags"] if tag["key"] != given["key"]]
        elif call == "runs/log-batch":
            kept = {tag["key"]: tag for tag in (*data["tags"], *given.get("tags", []))}
            data["tags"] = list(kept.values())
            for metric in given.get("metrics", []):
                self.history.setdefault((*key, metric["key"]), []).append(metric)
                data["metrics"] = [each for each in data["metrics"] if each["key"] != metric["key"]] + [metric]
        else:
            return _refused(404, "ENDPOINT_NOT_FOUND", call)
        return httpx.Response(200, json={})
