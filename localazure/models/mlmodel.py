"""What a model's `MLmodel` file says: its flavors and signature, as Azure ML shows them.

Azure ML answers `flavors` as an object of `{"data": {...}}` with texts for values, and among the properties
`flavors`, `flavors.<name>`, `model_json` (the whole file, with the signature), `azureml.artifactPrefix`,
`azureml.storagePath` and `mlflow.modelSourceUri`. That these are the names is seen in public programs that read
them; their exact content is inferred.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core import yaml_reading
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.models import places
from azmlflow.localazure.models.places import DatastorePath

FILE = "MLmodel"
_LIMIT = 1024 * 1024
_LONGEST = 64 * 1024  # characters of a property; what is longer is left out of each version's answer, inferred
_COMPUTED = ("flavors", "model_json", "azureml.artifactPrefix", "azureml.storagePath", "mlflow.modelSourceUri")


def read(cloud: Cloud, workspace: Document, place: DatastorePath) -> Document | None:
    """The content of the `MLmodel` file in a folder; None if there is none, or none that MLflow could have written."""
    content = places.content(cloud, workspace, place, FILE, _LIMIT)
    if content is None:
        return None
    try:
        told = yaml_reading.read(content, _LIMIT)
    except yaml_reading.UnreadableYaml:
        return None
    return told if isinstance(told, dict) else None


def flavors(told: Document | None) -> Document:
    """`properties.flavors` of a model version."""
    return {
        name: {"data": {key: _text(value) for key, value in data.items() if value is not None}}
        for name, data in _flavors(told).items()
    }


def properties(told: Document | None, prefix: str, path: str, source: str) -> dict[str, str]:
    """The properties that Azure ML adds to a model's own.

    Args:
        told: the `MLmodel` file, None if there is none.
        prefix: of the artifacts.
        path: in the datastore.
        source: as the registration told it.
    """
    found = {"azureml.artifactPrefix": prefix, "azureml.storagePath": path, "mlflow.modelSourceUri": source}
    if told is None:
        return found
    each = {f"flavors.{name}": _text(data) for name, data in _flavors(told).items()}
    computed = {"flavors": ",".join(_flavors(told)), **each, "model_json": _text(told)}
    return found | {name: value for name, value in computed.items() if len(value) <= _LONGEST}


def is_computed(name: str) -> bool:
    """Whether a property is one of those."""
    return name in _COMPUTED or name.startswith("flavors.")


def _flavors(told: Document | None) -> Mapping[str, Mapping[str, Any]]:
    found = (told or {}).get("flavors")
    pairs = found.items() if isinstance(found, dict) else ()
    return {str(name): data for name, data in pairs if isinstance(data, dict)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
