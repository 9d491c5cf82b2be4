"""Microsoft.MachineLearningServices/workspaces/environments/versions: what jobs say they need.

Kept and told as they were made; what can never be built here is refused at once. A job that names one gets a venv of
its packages (`localazure.environments`). Source: Microsoft, "Environment Versions".
"""

from __future__ import annotations

from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.environments.specification import from_version
from azmlflow.localazure.errors import bad_request
from azmlflow.localazure.kinds import assets
from azmlflow.localazure.kinds.base import Ask, Kind
from azmlflow.localazure.kinds.fields import pick
from azmlflow.localazure.store import Document

_DEFAULTS: Document = {
    "isAnonymous": False, "isArchived": False, "osType": "Linux", "autoRebuild": "Disabled", "tags": {},
    "properties": {},
}  # fmt: skip


def _shape(ask: Ask, _existing: Document | None) -> Document:
    kept = pick(ask.properties, _DEFAULTS, ("description", "image", "condaFile", "build", "inferenceConfig", "stage"))
    try:
        from_version(f"{ask.target.path.split('/')[-3]}:{ask.target.name}", kept)
    except UnusableEnvironment as error:
        raise bad_request("UserError", str(error)) from error
    return {"properties": {**kept, "environmentType": "UserCreated"}}


ENVIRONMENT = Kind(
    type=f"{assets.WORKSPACE}/environments/versions",
    name=assets.version_rule("an environment"),
    shape=_shape,
    api_versions=("2025-12-01", "2024-10-01", "2023-04-01-preview"),
    place="child",
    parent=assets.WORKSPACE,
    action_type=f"{assets.WORKSPACE}/environments",
    regions=(),
    stamped=True,
    check=assets.check_name,
    changed=assets.keep_container,
    listed=assets.listed,
    visible=False,
)
