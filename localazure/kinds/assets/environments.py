"""Microsoft.MachineLearningServices/workspaces/environments/versions: what jobs say they need.

Kept and told as they were made; what can never be built here is refused at once. A job that names one gets a venv of
its packages (`localazure.environments`). Every workspace has some of Azure's curated ones; the prefix of their names,
`AzureML-`, is Azure's own. Sources: Microsoft, "Environment Versions", "Azure Machine Learning curated environments".
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import SDK1_ENVIRONMENTS
from azmlflow.localazure.core.errors import bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.environments import curated
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.environments.specification import from_version
from azmlflow.localazure.kinds.assets import assets
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import stamp, wrong_type
from azmlflow.localazure.resources.kind import Kind, Lifecycle, child_of
from azmlflow.localazure.resources.verbs import Verbs

_DEFAULTS: Document = {
    "isAnonymous": False, "isArchived": False, "osType": "Linux", "autoRebuild": "Disabled", "tags": {},
    "properties": {},
}  # fmt: skip

# What an environment is: who names a version gets what it was when it was made.
_FIXED = ("image", "condaFile", "build", "inferenceConfig", "osType")
_TYPE = f"{assets.WORKSPACE}/environments/versions"


def make_curated(ask: Ask, workspace: Document) -> None:
    """Give a workspace the curated environments that it shows; those that are there stay."""
    for name in curated.LISTED:
        id_ = f"{workspace['id']}/environments/{name}/versions/1"
        if find.resource(ask.cloud, id_) is None:
            properties = {**_DEFAULTS, **curated.document(name), "environmentType": "Curated"}
            made = {"id": id_, "name": "1", "type": _TYPE, "systemData": stamp(ask, None), "properties": properties}
            find.keep(ask.cloud, made)
            assets.keep_container(ask, made)


def _check(ask: Ask, existing: Document | None) -> None:
    assets.check_name(ask, existing)
    if curated.is_curated(ask.target.names[-2]):
        raise bad_request("UserError", "Names that begin with 'AzureML-' are those of curated environments.")


def _forget(cloud: Cloud, document: Document) -> None:
    """What azureml-core said of it goes with it."""
    cloud.store.delete(SDK1_ENVIRONMENTS, document["id"].lower())


def _shape(ask: Ask, existing: Document | None) -> Document:
    kept = assets.described(ask, _DEFAULTS, ("image", "condaFile", "build", "inferenceConfig", "stage"))
    for name, kind in (("image", str), ("condaFile", str), ("stage", str), ("build", dict), ("inferenceConfig", dict)):
        if not isinstance(kept.get(name, kind()), kind):
            raise wrong_type(name, kept[name], "string" if kind is str else "object")
    try:
        from_version(f"{ask.target.path.split('/')[-3]}:{ask.target.name}", kept)
    except UnusableEnvironment as error:
        raise bad_request("UserError", str(error)) from error
    before = kept if existing is None else existing["properties"]
    if any(kept.get(name) != before.get(name) for name in _FIXED):
        # Azure's words: Azure/azure-cli-extensions#5440. azure-ai-ml then makes the next version
        # (Azure/azure-sdk-for-python#38590).
        name, version = ask.target.names[-2:]
        raise conflict(
            "UserError", f"Environment {name} with version {version} is already registered and cannot be changed."
        )
    return {"properties": {**kept, "environmentType": "UserCreated"}}


ENVIRONMENT = Kind(
    type=_TYPE,
    name=assets.version_rule("an environment"),
    shape=_shape,
    placement=child_of(assets.WORKSPACE),
    has_system_data=True,
    action_type=f"{assets.WORKSPACE}/environments",
    verbs=Verbs(listed=assets.listed),
    lifecycle=Lifecycle(before_write=_check, on_write=assets.keep_container, on_delete=_forget),
)
