"""Microsoft.MachineLearningServices/workspaces/data: data assets, as containers of their versions."""

from __future__ import annotations

from azmlflow.localazure.kinds.assets.assets import container

TYPES = ("uri_file", "uri_folder", "mltable")

DATA = container("data", types=TYPES)
