"""Microsoft.MachineLearningServices/workspaces/codes: code assets, as containers of their versions."""

from __future__ import annotations

from azmlflow.localazure.kinds.assets.assets import WORKSPACE, container

CODE_CONTAINER = container("codes", action_type=f"{WORKSPACE}/metadata/codes")
