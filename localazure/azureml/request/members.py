"""What each request to the data plane may say, by parameter and member: whatever else it says is refused.

Every name here is used or kept by the handler of its request, or says what is so anyhow. What azureml-core and
azure-ai-ml send beside that is empty (null, false, 0, nothing inside), which says nothing. The names are those of
azureml-core's models (1.61, `_restclient/models`); that Azure ignores others is inferred, and nobody is helped by it.
MLflow's own requests are in `localazure/data/mlflow-members.json`, as MLflow describes them.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.rbac.operations import TRACKING

Members = Mapping[str, Any]  # by name: None for any value, else the members of an object, or of each of a list
_FILE = Path(__file__).parents[2] / "data" / "mlflow-members.json"
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ANY = ("api-version",)


@dataclass(frozen=True)
class Row:
    """What one kind of request may say.

    Attributes:
        method: HTTP method.
        path: service and path; `*` is one segment, `**` any number of them.
        query: parameters, lower case.
        body: members; None for a body that its handler goes through whole.
    """

    method: str
    path: str
    query: tuple[str, ...] = ()
    body: Members | None = None

    def fits(self, method: str, path: str) -> bool:
        """Whether a request is one of these."""
        return method == self.method and _pattern(self.path).fullmatch(path) is not None


def _names(*names: str, **inner: Members) -> Members:
    return {**dict.fromkeys(names), **inner}


_PATHS = _names(paths=_names("path"))
_METRIC = _names(
    "name", "columns", properties=_names("uxMetricType"), value=_names("metricId", "createdUtc", "step", "data")
)
_MODEL = _names(
    "name", "url", "kvTags", "properties", "description", "runId", "framework", "frameworkVersion", "mimeType",
    "experimentName", "sampleInputData", "sampleOutputData", "resourceRequirements",
)  # fmt: skip
_MODELS = (
    "name", "tags", "properties", "runid", "framework", "latestversiononly", "count", "$skiptoken",
)  # fmt: skip
_RUN = _names("runId", "tags", "properties", "description", "displayName", "name", "hidden")
_PAGE = ("filter", "orderby", "top", "continuationToken")
ROWS = (
    Row("POST", "history/**/artifacts/batch/metadata", ("path",), _PATHS),
    Row("GET", "history/**/artifacts/**", ("path",)),
    Row("GET", "history/**/artifacts"),
    Row("POST", "artifact/artifacts/**", ("path",), _PATHS),
    Row("GET", "artifact/artifacts/**", ("path",)),
    Row("POST", "history/experiments:query", ("viewtype",), _names(*_PAGE, "viewType")),
    Row("PATCH", "history/experimentids/*", (), _names("name", "description", "archive", "tags")),
    Row("POST", "history/experimentids/*/tags:delete", (), _names("tags")),
    Row("POST", "history/experiments/*/runs:query", (), _names(*_PAGE)),
    Row(
        "POST",
        "history/rundata",
        (),
        # What is selected is told, but for the submission's own words, which are Resource Manager's to tell.
        _names("runId", "selectRunMetadata", "selectRunDefinition", "selectJobSpecification"),
    ),
    Row("GET", "history/**/children", ("$filter", "$orderby", "$sortorder", "$top", "$continuationtoken")),
    Row("POST", "history/**/events", (), _names("name", "timestamp", "data")),
    Row("PATCH", "history/**", (), _RUN),
    Row("DELETE", "history/**/tags"),
    Row("POST", "metric/runs/*/full", (), _names("metricName", "startTime", "endTime")),
    Row("POST", "metric/runs/*/batch", (), _names("reportErrors", values=_METRIC)),
    Row("POST", "data/**", (), _names("values")),
    Row("POST", "modelregistry/**", (), _names("values")),
    Row("POST", "content/snapshots/getblob", (), _names("FileNames")),
    Row(
        "POST",
        "content/snapshots/*",
        (),
        _names(
            "ParentSnapshotId",
            "DirTreeNode",
            "Tags",
            "Properties",
            FileRevisionList=_names(FileNodes=_names("FullName", "BlobUri", "FileSize")),
        ),
    ),
    Row("POST", "execution/**", ("runid",)),
    Row("PUT", "environment/environments/*"),
    # An asset is nothing but its artifacts: its name is their last part's, its run the one that they are of.
    Row("POST", "modelmanagement/assets", (), _names("name", "runid", artifacts=_names("prefix"))),
    # There are none, whichever are asked for (azureml-mlflow 1.62, `list_deployments`).
    Row("GET", "modelmanagement/services", ("computetype", "expand")),
    Row("GET", "modelmanagement/services/*", ("expand",)),
    Row("GET", "modelmanagement/models", _MODELS),
    Row("POST", "modelmanagement/models", (), _MODEL),
    Row("PATCH", "modelmanagement/models/*", (), _names("op", "path", "value")),
)


def row(method: str, service: str, path: str) -> Row | None:
    """What a request may say: nothing, if none of `ROWS` is its; None for MLflow's, which MLflow describes.

    Args:
        method: HTTP method.
        service: whose path it is.
        path: after the workspace's id.
    """
    if service == "mlflow":
        return None
    whole = f"{service}/{path.strip('/')}"
    return next((each for each in ROWS if each.fits(method, whole)), Row(method, whole, (), {}))


def check_query(known: Row, query: Mapping[str, str]) -> None:
    """Refuse parameters that the request would leave out.

    Raises:
        AzureError: 400, naming the first of them.
    """
    for name in query:
        if name not in (*_ANY, *known.query):
            raise _refused(name, "the query parameter ")


def read_body(known: Row, body: Any) -> Any:
    """A body, with its members' names as they are spelt here, whatever their case was.

    Raises:
        AzureError: 400, naming the first member that the request would leave out, or that is there in two spellings.
    """
    return body if known.body is None else _read(known.body, body, "")


def check_mlflow(path: str, query: Mapping[str, str], body: Any) -> None:
    """Refuse what a request of MLflow's has not.

    Args:
        path: MLflow's.
        query: its parameters.
        body: its body, in MLflow's spelling.

    Raises:
        AzureError: 400, naming the first of it.
    """
    known = _of_mlflow().get(path.removeprefix(f"{TRACKING}/"))
    if known is not None:
        for name in query:
            if name not in (*_ANY, *known):
                raise _refused(name, "the query parameter ")
        _read(known, body, "", snake=True)


@functools.cache
def _of_mlflow() -> Mapping[str, Members]:
    found: dict[str, Members] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def _read(known: Members, value: Any, where: str, *, snake: bool = False) -> Any:
    """A value with its members as they are spelt here; `snake`: those in camel case are MLflow's own as well."""
    if isinstance(value, list):
        return [_read(known, each, where, snake=snake) for each in value]
    if not isinstance(value, dict):
        return value
    spelt = {name.lower(): name for name in known}
    found: dict[str, Any] = {}
    for name, inner in value.items():
        at = f"{where}.{name}" if where else name
        here = spelt.get((_CAPITAL.sub("_", name) if snake else name).lower())
        if here is None:
            if not _is_empty(inner):
                raise _refused(at, "")
        elif here in found:
            raise bad_request("UserError", f"The request body gives '{at}' in two spellings.", target=at)
        else:
            deeper = known[here]
            found[here] = inner if deeper is None else _read(deeper, inner, at, snake=snake)
    return found


def _is_empty(value: Any) -> bool:
    """Whether a value says nothing: clients send what they were not told as null, false, zero, or nothing inside."""
    return value in (None, "", False, 0) or (isinstance(value, list | dict) and not value)


def _refused(name: str, what: str) -> AzureError:
    return bad_request("UserError", f"The embedded Azure does nothing with {what}'{name}'.", target=name)


@functools.cache
def _pattern(path: str) -> re.Pattern[str]:
    pieces = [{"*": "[^/]+", "**": ".*"}.get(each, re.escape(each)) for each in path.split("/")]
    return re.compile("/".join(pieces))
