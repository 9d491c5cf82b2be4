"""What MLflow knows of a registered model, read with its real client: `python look.py NAME VERSION`.

Prints one JSON line. This file imports the standard library and MLflow only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FEW = 1_000_000  # bytes of a conda.yaml


def look(name: str, version: str) -> dict[str, Any]:
    """A model's signature, and what it says that it needs; None for what it does not tell."""
    import mlflow
    from mlflow.exceptions import MlflowException

    address = f"models:/{name}/{version}"
    try:
        info = mlflow.models.get_model_info(address)
    except MlflowException as fault:
        if "MLmodel" not in str(fault):
            raise
        return {"logged": False}
    function = info.flavors.get("python_function") or {}
    env = function.get("env")
    named = env.get("conda") if isinstance(env, dict) else env
    conda = None
    if named:
        conda = Path(mlflow.artifacts.download_artifacts(f"{address}/{named}")).read_text(encoding="utf-8")[:FEW]
    signature = info.signature.to_dict() if info.signature is not None else {}
    inputs = signature.get("inputs")
    return {
        "logged": True,
        "function": bool(function),
        "mlflow": info.mlflow_version,
        "inputs": json.loads(inputs) if inputs else None,
        "conda": conda,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(look(*sys.argv[1:])) + "\n")
