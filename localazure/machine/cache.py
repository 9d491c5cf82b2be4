"""Where what was built or downloaded once is kept, outside every checkout: engines, jobs' environments, databases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def cache_folder(environment: Mapping[str, str]) -> Path:
    """The folder: AZMLFLOW_CACHE, else the user's cache folder."""
    if chosen := environment.get("AZMLFLOW_CACHE"):
        return Path(chosen).expanduser()
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "azmlflow"


def databases_folder(environment: Mapping[str, str]) -> Path:
    """Where MLflow's new database is kept, made once for each version."""
    return cache_folder(environment) / "mlflow"
