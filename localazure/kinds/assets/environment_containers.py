"""Microsoft.MachineLearningServices/workspaces/environments: environments, as containers of their versions."""

from __future__ import annotations

from azmlflow.localazure.kinds.assets.assets import container

ENVIRONMENT_CONTAINER = container("environments", ("2025-12-01", "2024-10-01", "2023-04-01-preview"))
