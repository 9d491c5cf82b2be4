"""Microsoft.MachineLearningServices/workspaces/codes: code assets, as containers of their versions."""

from __future__ import annotations

from azmlflow.localazure.kinds.assets.assets import WORKSPACE, container

CODE_CONTAINER = container(
    "codes", ("2025-12-01", "2024-10-01", "2023-04-01"), action_type=f"{WORKSPACE}/metadata/codes"
)
