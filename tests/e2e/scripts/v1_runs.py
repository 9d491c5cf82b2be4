# mypy: ignore-errors
"""SDK v1's runs that do not simply go well, and what a job logs by itself; prints what a test looks at."""

import sys
import time
from pathlib import Path

import mlflow
from azureml.core import Environment, Experiment, Run, RunConfiguration, ScriptRunConfig, Workspace
from azureml.exceptions import ActivityFailedException, ExperimentExecutionException

FOLDER = Path(__file__).parent / "v1_job"
ws = Workspace.from_config()
cluster = next(name for name, target in ws.compute_targets.items() if target.type == "AmlCompute")
exp = Experiment(ws, "v1_runs")
env = Environment("no-packages")
env.python.user_managed_dependencies = True
env = env.register(ws)
assert Environment.get(ws, "no-packages").version == env.version


def submit(**what):
    return exp.submit(ScriptRunConfig(source_directory=FOLDER, compute_target=cluster, environment=env, **what))


inside = submit(script="inside.py", arguments=["it's a word"])
failing = submit(command=["echo before; exit 3"])
endless = submit(command=["echo started; sleep 1000"])

inside.wait_for_completion(show_output=False)
while inside.get_status() != "Completed":
    assert inside.get_status() not in ("Failed", "Canceled"), inside.get_details()
    time.sleep(0.5)
print("metrics", inside.get_metrics())
print("tags", inside.get_tags().get("kind"))
print("files", [name for name in inside.get_file_names() if name.startswith("notes/")])
print(
    "log",
    [
        line
        for line in inside.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"].splitlines()
        if line.startswith(("inside", "argument"))
    ],
)

try:
    failing.wait_for_completion(show_output=True)
except ActivityFailedException as error:
    print("failed", "exited with code 3" in str(error))

while endless.get_status() != "Running":
    time.sleep(0.5)
endless.cancel()
while endless.get_status() != "Canceled":
    time.sleep(0.5)
print("canceled", endless.get_status())

mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
mlflow.set_experiment("v1_runs")
with mlflow.start_run() as plain:
    mlflow.log_metric("plain", 4)
seen = {run.id: run.get_metrics() for run in exp.get_runs()}
print("seen", all(run.id in seen for run in (inside, failing, endless)), seen.get(plain.info.run_id))
print("by tag", [run.id == inside.id for run in exp.get_runs(tags={"kind": "inside"})])
print("again", Run(exp, inside.id).get_status())

try:
    exp.submit(ScriptRunConfig(FOLDER, script="inside.py", compute_target="nowhere", environment=env))
except ExperimentExecutionException as error:
    print("nowhere", "'nowhere' was not found" in str(error))

local = RunConfiguration()
local.environment = env
local.environment.python.interpreter_path = sys.executable
here = exp.submit(ScriptRunConfig(FOLDER, script="inside.py", arguments=["here"], run_config=local))
here.wait_for_completion(show_output=False)
print("local", here.get_status(), here.get_metrics("accuracy"))
stopped = exp.submit(ScriptRunConfig(FOLDER, command=["sleep 1000"], run_config=local))
stopped.cancel()
print("local canceled", stopped.get_status())
