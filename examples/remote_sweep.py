"""A hyperparameter sweep on the cluster: 20 runs, as many at a time as the cluster has nodes, below one parent run.

azmlflow run -- .venv-examples/bin/python examples/remote_sweep.py [RUNS]
"""

import sys
import time
from pathlib import Path

import mlflow
from azure.ai.ml import MLClient, command
from azure.ai.ml.entities import Command, Environment
from azure.identity import DefaultAzureCredential

ENDED = {"Completed", "Failed", "Canceled"}
RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
RATES = [round(number / RUNS, 2) for number in range(RUNS)]

client = MLClient.from_config(DefaultAzureCredential())
cluster = next(compute for compute in client.compute.list() if compute.type.lower() == "amlcompute")
mlflow.set_tracking_uri(client.workspaces.get(client.workspace_name).mlflow_tracking_uri)
experiment = mlflow.set_experiment("remote_sweep")


def trial(rate: float, parent_id: str) -> Command:
    return command(
        code=Path(__file__).parent / "remote_sweep",
        command="python trial.py --rate ${{inputs.rate}}",
        inputs={"rate": rate},
        environment=Environment(image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"),
        compute=cluster.name,
        experiment_name="remote_sweep",
        display_name=f"rate {rate}",
        tags={"mlflow.parentRunId": parent_id},
    )


with mlflow.start_run(run_name="sweep of the rate") as parent:
    jobs = [client.jobs.create_or_update(trial(rate, parent.info.run_id)) for rate in RATES]
    names = [job.name for job in jobs]
    print(f"{len(names)} trials on at most {cluster.max_instances} nodes")

    ended: dict[str, str] = {}
    while len(ended) < len(names):
        time.sleep(2)
        states = {name: client.jobs.get(name).status for name in names if name not in ended}
        if now_ended := {name: state for name, state in states.items() if state in ENDED}:
            ended |= now_ended
            print(f"{len(ended)} of {len(names)} have ended", flush=True)

    trials = mlflow.search_runs(
        [experiment.experiment_id],
        filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'",
    )
    best = trials.sort_values("metrics.loss").iloc[0]  # Azure ML orders runs by their attributes only
    mlflow.log_metric("best_loss", best["metrics.loss"])
    mlflow.log_param("best_rate", best["params.rate"])

completed = sum(state == "Completed" for state in ended.values())
print(f"{completed} of {len(names)} completed; the best rate is {best['params.rate']}, loss {best['metrics.loss']:.2g}")
