"""Microsoft.MachineLearningServices/workspaces/environments: environments, as containers of their versions."""

from __future__ import annotations

from azmlflow.localazure.kinds.assets.assets import container

ENVIRONMENT_CONTAINER = container("environments")
