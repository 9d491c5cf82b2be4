"""Runs on the cluster: the training script of Microsoft's page, with a model to register."""

import json
import os
from pathlib import Path
from random import random

import mlflow


def main() -> None:
    mlflow.log_param("hello_param", "world")
    mlflow.log_metric("hello_metric", random())
    os.system("echo 'hello world' > helloworld.txt")
    mlflow.log_artifact("helloworld.txt")

    for step, loss in enumerate((0.9, 0.4, 0.2)):
        mlflow.log_metric("loss", loss, step=step)
        print(f"step {step}: loss {loss}", flush=True)
    # What a run leaves in the folder "outputs" is kept with it.
    Path("outputs").mkdir(exist_ok=True)
    Path("outputs", "model.json").write_text(json.dumps({"loss": loss}), encoding="utf-8")


if __name__ == "__main__":
    main()
