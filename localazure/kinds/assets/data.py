"""Microsoft.MachineLearningServices/workspaces/data: data assets, as containers of their versions."""

from __future__ import annotations

from azmlflow.localazure.kinds.assets.assets import container

DATA = container("data")
