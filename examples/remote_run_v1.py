"""Run a script on the workspace's cluster with SDK v1, as Microsoft's page "Track ML models with MLflow" does.

azmlflow run -- .venv-examples/bin/python examples/remote_run_v1.py
"""

import tempfile
from pathlib import Path

from azureml.core import Environment, Experiment, Model, ScriptRunConfig, Workspace
from azureml.core.conda_dependencies import CondaDependencies

ws = Workspace.from_config()
cluster = next(name for name, target in ws.compute_targets.items() if target.type == "AmlCompute")
exp = Experiment(workspace=ws, name="remote_run_v1")

# The job needs azureml-mlflow, and what its script imports.
env = Environment(name="mlflow-env")
env.python.conda_dependencies = CondaDependencies.create(pip_packages=["azureml-mlflow", "mlflow-skinny>=2.22,<3"])

src = ScriptRunConfig(
    source_directory=Path(__file__).parent / "remote_run_v1",
    script="train.py",
    compute_target=cluster,
    environment=env,
)
run = exp.submit(src)
run.wait_for_completion(show_output=True)

print(f"run {run.id}: {run.get_status()}")
for name, values in sorted(run.get_metrics().items()):
    print(f"metric {name}: {values}")

with tempfile.TemporaryDirectory() as folder:
    run.download_file("helloworld.txt", output_file_path=f"{folder}/helloworld.txt")
    print("fetched helloworld.txt:", Path(folder, "helloworld.txt").read_text(encoding="utf-8").strip())

model = run.register_model(model_name="remote-run-v1", model_path="outputs/model.json")
print(f"registered {model.name}, version {model.version}, from run {model.run_id}")
assert (model.name, model.version) in [(each.name, each.version) for each in Model.list(ws)]
