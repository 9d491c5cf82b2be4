"""A workspace's models, through the REST API of the MLflow server that keeps them.

Every view of models (MLflow's own, Resource Manager's `models`, SDK v1's model management) reads and writes here or
passes MLflow's requests on; there is no second list of models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.models import records
from azmlflow.localazure.models.records import Model, Version
from azmlflow.localazure.tracking import answers
from azmlflow.localazure.tracking.answers import MlflowUnavailable
from azmlflow.rbac.operations import TRACKING

_PAGE = 1000  # MLflow's own limit for registered models


class Registry:
    """The models of one workspace.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's ARM document.
    """

    def __init__(self, cloud: Cloud, workspace: Document) -> None:
        self.cloud, self.workspace = cloud, workspace

    @property
    def id(self) -> str:
        """The workspace's ARM id."""
        return str(self.workspace["id"])

    async def models(self) -> list[Model]:
        """All models, by name."""
        found = await self._pages("registered-models/search", "registered_models", {})
        return sorted(map(records.model, found), key=lambda each: each.name)

    async def model(self, name: str) -> Model | None:
        """The model of that name, or None; ARM does not mind the case of names, so neither does this."""
        if not re.fullmatch(records.NAME, name):
            return None
        found = await self._ask("GET", "registered-models/get", params={"name": name}, missing=True)
        if found is not None:
            return records.model(found["registered_model"])
        alike = [each for each in await self.models() if each.name.lower() == name.lower()]
        return alike[0] if len(alike) == 1 else None

    async def versions(self, name: str | None = None) -> list[Version]:
        """The versions of a model, or of all models, the one made last first."""
        filter_ = {} if name is None else {"filter": f"name='{name}'"}
        found = await self._pages("model-versions/search", "model_versions", filter_)
        return sorted(map(records.version, found), key=lambda each: (each.created, each.number), reverse=True)

    async def version(self, name: str, number: str | int) -> Version | None:
        """A version, or None."""
        if not re.fullmatch(records.NUMBER, str(number)):
            return None
        model = await self.model(name)
        if model is None:
            return None
        params = {"name": model.name, "version": str(number)}
        found = await self._ask("GET", "model-versions/get", params=params, missing=True)
        return None if found is None else records.version(found["model_version"])

    async def make_model(
        self, name: str, kept: Document, *, description: str = "", tags: Mapping[str, str] | None = None
    ) -> Model:
        """Make a model that is not there.

        Raises:
            AzureError: 400 for what MLflow refuses.
        """
        body = {"name": name, "description": description, "tags": [*_pairs(tags or {}), records.tag(kept)]}
        made = await self._ask("POST", "registered-models/create", body)
        return records.model(made["registered_model"])

    async def make_version(
        self,
        name: str,
        source: str,
        kept: Document,
        *,
        number: int | None = None,
        run_id: str = "",
        description: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Version:
        """Make a version, and the model if it is the first.

        Args:
            name: the model's.
            source: where its files are.
            kept: what is kept of it beside MLflow's fields.
            number: the version's; None takes the next.
            run_id: the run that made the files.
            description, tags: as MLflow has them.

        Raises:
            AzureError: 409 the version exists; 400 for what MLflow refuses.
        """
        body = {
            "name": name,
            "source": source,
            "run_id": run_id,
            "description": description,
            "tags": [*_pairs(tags or {}), records.tag(kept)],
        }
        first = await self.model(name) is None
        if first:
            await self.make_model(name, {key: kept[key] for key in ("createdBy",) if key in kept})
        try:
            made = await self._ask("POST", "model-versions/create", body, model_version=number)
        except (AzureError, MlflowUnavailable):
            if first and not await self.versions(name):
                await self._ask("DELETE", "registered-models/delete", {"name": name}, missing=True)
            raise
        return records.version(made["model_version"])

    async def change_model(
        self, before: Model, kept: Document, *, description: str, tags: Mapping[str, str]
    ) -> Model | None:
        """Bring a model to what is told; nothing is written where nothing changes."""
        body = {"name": before.name}
        if description != before.description:
            await self._ask("PATCH", "registered-models/update", {**body, "description": description})
        await self._tag("registered-models", body, before, kept, tags)
        return await self.model(before.name)

    async def change_version(
        self, before: Version, kept: Document, *, description: str, tags: Mapping[str, str], stage: str
    ) -> Version | None:
        """Bring a version to what is told; nothing is written where nothing changes."""
        body = {"name": before.name, "version": str(before.number)}
        if description != before.description:
            await self._ask("PATCH", "model-versions/update", {**body, "description": description})
        await self._tag("model-versions", body, before, kept, tags)
        if stage != before.stage:
            moved = {**body, "stage": stage, "archive_existing_versions": False}
            await self._ask("POST", "model-versions/transition-stage", moved)
        return await self.version(before.name, before.number)

    async def remove_model(self, model: Model) -> None:
        """Delete a model with its versions."""
        await self._ask("DELETE", "registered-models/delete", {"name": model.name}, missing=True)

    async def remove_version(self, version: Version) -> None:
        """Delete a version."""
        body = {"name": version.name, "version": str(version.number)}
        await self._ask("DELETE", "model-versions/delete", body, missing=True)

    async def source(self, version: Version) -> str:
        """Where a version's files are: what it was told, or for a copy of another version what that one was told."""
        if not version.source.startswith("models:"):
            return version.source
        params = {"name": version.name, "version": str(version.number)}
        found = await self._ask("GET", "model-versions/get-download-uri", params=params)
        return str(found["artifact_uri"])

    async def experiment(self, run_id: str) -> str | None:
        """The id of a run's experiment, or None where the workspace has no such run."""
        found = await self._ask("GET", "runs/get", params={"run_id": run_id}, missing=True)
        return None if found is None else str(found["run"]["info"]["experiment_id"])

    async def experiment_name(self, run_id: str) -> str | None:
        """The name of a run's experiment, or None where the workspace has no such run."""
        id_ = await self.experiment(run_id)
        if id_ is None:
            return None
        found = await self._ask("GET", "experiments/get", params={"experiment_id": id_})
        return str(found["experiment"]["name"])

    async def _tag(
        self, path: str, body: Document, before: Model | Version, kept: Document, tags: Mapping[str, str]
    ) -> None:
        for name in before.tags.keys() - tags.keys():
            await self._ask("DELETE", f"{path}/delete-tag", {**body, "key": name})
        changed = {name: value for name, value in tags.items() if before.tags.get(name) != value}
        for pair in (*_pairs(changed), *([records.tag(kept)] if kept != before.kept else [])):
            await self._ask("POST", f"{path}/set-tag", {**body, **pair})

    async def _pages(self, path: str, key: str, params: Mapping[str, str]) -> list[Document]:
        found: list[Document] = []
        token = ""
        while True:
            page = {**params, "max_results": str(_PAGE), **({"page_token": token} if token else {})}
            answer = await self._ask("GET", path, params=page)
            found += answer.get(key, ())
            token = answer.get("next_page_token", "")
            if not token:
                return found

    async def _ask(
        self,
        method: str,
        path: str,
        body: Document | None = None,
        *,
        params: Mapping[str, str] | None = None,
        missing: bool = False,
        model_version: int | None = None,
    ) -> Any:
        """MLflow's answer; None where nothing is there and `missing` says that this may be.

        Raises:
            AzureError: what MLflow refuses, in its words.
            MlflowUnavailable: MLflow cannot answer now.
        """
        chosen: dict[str, Any] = {} if model_version is None else {"model_version": model_version}
        answer = await self.cloud.mlflow.request(
            method,
            f"{TRACKING}/{path}",
            self.workspace["properties"]["workspaceId"],
            params=params,
            json_body=body,
            **chosen,
        )
        return answers.body_if_any(answer) if missing else answers.body(answer)


def _pairs(tags: Mapping[str, str]) -> Iterable[dict[str, str]]:
    for name in tags:
        records.refuse_reserved({"key": name})
    return ({"key": name, "value": value} for name, value in tags.items())
