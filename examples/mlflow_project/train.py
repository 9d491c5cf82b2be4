"""The entry point of the project: MLflow finds its run in the environment."""

import argparse
from pathlib import Path

import mlflow

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float, required=True)
alpha = parser.parse_args().alpha

mlflow.log_param("alpha", alpha)
for step in range(3):
    mlflow.log_metric("loss", alpha**step, step=step)
    print(f"step {step}: loss {alpha**step:g}", flush=True)
Path("outputs").mkdir(exist_ok=True)
Path("outputs", "alpha.txt").write_text(f"{alpha}\n", encoding="utf-8")
