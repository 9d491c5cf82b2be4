"""The inputs and outputs that a job may have.

Their names become names of files and of what the command says: letters, digits and underscores, as azure-ai-ml asks
for (`validate_key_contains_allowed_characters`). Which mode fits which type: Microsoft, "Access data in a job".
"""

from __future__ import annotations

import re
from typing import Any

from azmlflow.localazure.blobs.origins import CONTAINER
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.assets import assets
from azmlflow.localazure.kinds.jobs.members import CODE, members, named, refused, text
from azmlflow.localazure.models import places
from azmlflow.localazure.models.inputs import ASSET
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice
from azmlflow.localazure.resources.find import resource

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_LONGEST = 255  # bytes of a file's name
_FILES = ("uri_file", "uri_folder", "mltable", "custom_model", "mlflow_model", "triton_model")
_LITERAL = "literal"
# Evaluating a table takes Azure's own engine; nothing here is mounted for writing but outputs.
_INPUT_MODES = ("ReadOnlyMount", "ReadWriteMount", "Download", "Direct", "EvalMount", "EvalDownload")
_SERVED_INPUT_MODES = ("ReadOnlyMount", "Download", "Direct")
_OUTPUT_MODES = ("ReadWriteMount", "Upload", "Direct")
_INPUT = ("description", "jobInputType", "mode", "uri", "value", "pathOnCompute")
_OUTPUT = ("description", "jobOutputType", "mode", "uri", "assetName", "assetVersion", "pathOnCompute")
_EVERY_JOBS = "default"  # the output that Azure gives each job: its artifacts
_ARTIFACTS = "artifacts"  # by which name paths mean those too
# In the default datastore: outputs of other jobs, and what clients upload for data assets. Both are named by others,
# for whom they do not change.
_KEPT = ("azureml", "localupload")
_PLACEHOLDER = re.compile(r"\$\{\{\s*(\w+)\s*\}\}")


def inputs(value: Any) -> Document:
    """The inputs of a body, each with its type and mode.

    Raises:
        AzureError: 400.
    """
    found: Document = {}
    for name, given in named("inputs", value).items():
        where = _where("inputs", name)
        told = members(where, given, _INPUT)
        told["jobInputType"] = choice(f"{where}.jobInputType", told.get("jobInputType"), (_LITERAL, *_FILES), CODE)
        _texts(where, told)
        if told["jobInputType"] == _LITERAL:
            _only(where, told, ("description", "jobInputType", "value"))
        else:
            _only(where, told, ("description", "jobInputType", "mode", "uri"))
            if not told.get("uri"):
                raise refused(f"{where}.uri", f"The input '{name}' needs a 'uri'.")
            told["mode"] = choice(f"{where}.mode", told.get("mode", _INPUT_MODES[0]), _INPUT_MODES, CODE)
            if told["mode"] not in _SERVED_INPUT_MODES:
                raise refused(
                    f"{where}.mode",
                    f"The input '{name}' cannot have the mode {told['mode']}: the embedded Azure has "
                    f"{', '.join(_SERVED_INPUT_MODES)}.",
                )
        found[name] = told
    return found


def outputs(ask: Ask, workspace: Document, value: Any) -> Document:
    """The outputs of a body, each with its type and mode, and where it lies if it says so.

    Raises:
        AzureError: 400.
    """
    found: Document = {}
    for name, given in named("outputs", value).items():
        where = _where("outputs", name)
        told = members(where, given, _OUTPUT)
        if name.lower() == _EVERY_JOBS and set(told) <= {"jobOutputType", "mode", "uri"} and _is_artifacts(told):
            continue  # a client gives back what Azure told it of another job
        if name.lower() in (_EVERY_JOBS, _ARTIFACTS):
            raise refused(where, f"No output can have the name '{name}': it is what a job's artifacts are.")
        told["jobOutputType"] = choice(f"{where}.jobOutputType", told.get("jobOutputType"), _FILES, CODE)
        _texts(where, told)
        _only(where, told, ("description", "jobOutputType", "mode", "uri", "assetName", "assetVersion"))
        told["mode"] = choice(f"{where}.mode", told.get("mode", _OUTPUT_MODES[0]), _OUTPUT_MODES, CODE)
        if told.get("assetName") is not None:
            assets.NAME.check(told["assetName"])
        elif told.get("assetVersion") is not None:
            raise refused(where, f"The output '{name}' has an 'assetVersion' and no 'assetName'.")
        if told.get("assetVersion") is not None:
            assets.version_rule("an asset").check(told["assetVersion"])
        if told.get("uri"):
            told["uri"] = _place(ask, workspace, name, str(told["uri"]))
        else:
            told.pop("uri", None)
        found[name] = told
    return found


def check_inputs(ask: Ask, workspace: Document, told: Document) -> None:
    """Refuse inputs that can never be had: outside of the workspace's datastores, data assets that are not there, and
    data assets and models that the caller may not read.

    Raises:
        AzureError: 403, 400.
    """
    for name, given in told.items():
        if given["jobInputType"] == _LITERAL:
            continue
        where, uri = f"inputs.{name}", given["uri"]
        found = ASSET.fullmatch(uri)
        if found is None:
            if places.parse(uri, workspace, ask.cloud) is None:
                raise refused(where, f"The input '{uri}' is not in a datastore of the workspace.")
            continue
        if found["workspace"].lower() != workspace["id"].lower():
            raise refused(where, f"The asset '{found['id']}' is another workspace's.")
        kind = found["kind"].lower()
        ask.cloud.enforcer.require(ask.caller, f"{assets.WORKSPACE}/{kind}/versions/read", workspace["id"])
        if kind == "data" and resource(ask.cloud, found["id"]) is None:
            raise refused(where, f"The data asset '{found['name']}:{found['version']}' was not found.")


def _place(ask: Ask, workspace: Document, name: str, uri: str) -> str:
    """Where an output is to lie, in full.

    That takes the right to read the datastore, and it is not where others' things are kept: inferred, Microsoft says
    nothing of either.

    Raises:
        AzureError: 400, 403.
    """
    where = f"outputs.{name}.uri"
    values = {"name": ask.target.name, "output_name": name, "default_datastore": places.DEFAULT}
    meant = _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), uri)
    if "${{" in meant:
        raise refused(where, f"'{uri}' has a placeholder other than {', '.join(values)}.")
    place = places.parse(meant, workspace)
    container = places.container(ask.cloud, workspace, place.datastore) if place and place.named else None
    if place is None or container is None or container[1] == CONTAINER:
        raise refused(where, f"'{uri}' is not a path of a blob datastore of the workspace: no output can lie there.")
    ask.cloud.enforcer.require(ask.caller, f"{assets.WORKSPACE}/datastores/read", workspace["id"])
    first, second, *_ = [*place.path.split("/"), ""]
    own = (first, second) == ("azureml", ask.target.name)
    if place.datastore == places.DEFAULT and first.lower() in _KEPT and not own:
        raise refused(where, f"'{uri}' is where outputs of other jobs, or uploads, are kept: choose another folder.")
    return places.long_uri(place, workspace)


def _where(kind: str, name: str) -> str:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None or len(name) > _LONGEST:
        raise bad_request(
            CODE, f"Key name  {name!r} must be composed letters, numbers, and underscore", target=f"{kind}.{name}"
        )
    return f"{kind}.{name}"


def _texts(where: str, told: Document) -> None:
    for name, each in told.items():
        text(f"{where}.{name}", each)


def _only(where: str, told: Document, known: tuple[str, ...]) -> None:
    unused = sorted(set(told) - set(known))
    if unused:
        raise refused(f"{where}.{unused[0]}", f"The embedded Azure does nothing with '{where}.{unused[0]}'.")


def _is_artifacts(told: Document) -> bool:
    return not told.get("uri") or f"/{places.ARTIFACTS}/" in str(told["uri"])
