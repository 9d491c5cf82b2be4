"""Microsoft.MachineLearningServices/workspaces/data: data assets, as containers of their versions."""

from __future__ import annotations

from azmlflow.localazure.kinds.assets.assets import container

DATA = container("data", ("2025-12-01", "2024-10-01", "2023-04-01-preview", "2023-04-01"))
