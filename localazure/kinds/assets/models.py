"""Microsoft.MachineLearningServices/workspaces/models: registered models, as azure-ai-ml's containers of versions.

MLflow's registry keeps them (`models.registry`). A container can be archived, which hides it from lists, and so can a
version. Source: Microsoft, "Model Containers" (REST 2023-08-01-preview), and what azure-ai-ml 1.35 sends.
"""

from __future__ import annotations

from collections.abc import Sequence

from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.assets.assets import WORKSPACE, asked, in_view
from azmlflow.localazure.models import records
from azmlflow.localazure.models.records import Model, Version
from azmlflow.localazure.models.registry import Registry
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import pick, require, texts
from azmlflow.localazure.resources.kind import Kind, NameRule, child_of
from azmlflow.localazure.resources.verbs import Elsewhere, Verbs

NAME = NameRule(
    records.NAME,
    "InvalidModelName",
    "The model name '{name}' is not valid: it has 1 to 255 letters, digits, '_', '.' or '-', and begins with a letter "
    "or digit.",
)
_TYPE = f"{WORKSPACE}/models"
_DEFAULTS: Document = {"description": "", "isArchived": False, "tags": {}, "properties": {}}


def _shape(ask: Ask, _existing: Document | None) -> Document:
    require(ask.body, ["properties"])
    found = pick(ask.properties, _DEFAULTS)
    return {"properties": {**found, "tags": texts("tags", found), "properties": texts("properties", found)}}


def _document(registry: Registry, model: Model, versions: Sequence[Version]) -> Document:
    """The container as ARM answers it; `versions` are its own, the newest first."""
    numbers = [each.number for each in versions]
    return {
        "id": f"{registry.id}/models/{model.name}",
        "name": model.name,
        "type": _TYPE,
        "systemData": records.system_data(model),
        "properties": {
            "description": model.description,
            "tags": dict(model.tags),
            "properties": model.kept.get("properties", {}),
            "isArchived": model.archived,
            "latestVersion": str(numbers[0]) if numbers else None,
            "nextVersion": str(max(numbers, default=0) + 1),
        },
    }


async def _read(ask: Ask, workspace: Document) -> Document | None:
    registry = Registry(ask.cloud, workspace)
    model = await registry.model(ask.target.name)
    return None if model is None else _document(registry, model, await registry.versions(model.name))


async def _listed(ask: Ask, workspace: Document) -> list[Document]:
    registry = Registry(ask.cloud, workspace)
    models = [each for each in await registry.models() if in_view(ask, each.archived)]
    versions = await registry.versions()
    return asked(
        ask, [_document(registry, model, [each for each in versions if each.name == model.name]) for model in models]
    )


async def _write(ask: Ask, workspace: Document) -> tuple[bool, Document]:
    registry = Registry(ask.cloud, workspace)
    told = _shape(ask, None)["properties"]
    before = await registry.model(ask.target.name)
    kept = records.created_by(ask.caller) if before is None else before.kept
    kept = {
        **kept,
        "properties": records.extended(kept.get("properties", {}), told["properties"]),
        "archived": told["isArchived"],
    }
    if before is None:
        await registry.make_model(ask.target.name, kept, description=told["description"], tags=told["tags"])
    else:
        await registry.change_model(before, kept, description=told["description"], tags=told["tags"])
    after = await _read(ask, workspace)
    assert after is not None
    return before is None, after


async def _remove(ask: Ask, workspace: Document) -> bool:
    registry = Registry(ask.cloud, workspace)
    model = await registry.model(ask.target.name)
    if model is not None:
        await registry.remove_model(model)
    return model is not None


MODEL = Kind(
    type=_TYPE,
    name=NAME,
    shape=_shape,
    placement=child_of(WORKSPACE),
    has_provisioning_state=False,
    has_system_data=True,
    verbs=Verbs(patch=False),
    elsewhere=Elsewhere(_read, _listed, _write, _remove),
)
