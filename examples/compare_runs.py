"""Compare the runs of an experiment: a table, the best one, and a plot kept as an artifact of a run of its own.

azmlflow run -- .venv-examples/bin/python examples/compare_runs.py
"""

import matplotlib
import mlflow
from azureml.core import Workspace

matplotlib.use("Agg")
import matplotlib.pyplot as plt

EXPERIMENT, SCORE, PARAMETER = "breast_cancer", "metrics.test_accuracy", "params.logisticregression__C"

ws = Workspace.from_config()
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())

runs = mlflow.search_runs(experiment_names=[EXPERIMENT], filter_string="attributes.status = 'Finished'")
if SCORE not in runs:
    raise SystemExit(f"No finished runs of {EXPERIMENT} in this workspace yet: run examples/train_sklearn.py first.")
# Azure ML orders runs by their attributes only, so metrics are sorted here.
runs = runs.dropna(subset=[SCORE, PARAMETER]).sort_values(SCORE, ascending=False)
print(runs[["run_id", PARAMETER, SCORE]].to_string(index=False))
print(f"best: run {runs.iloc[0]['run_id']} with C={runs.iloc[0][PARAMETER]}")

figure, axes = plt.subplots()
axes.bar(runs[PARAMETER], runs[SCORE])
axes.set(xlabel="C, inverse of the regularisation", ylabel="accuracy on the test set", title=EXPERIMENT)
axes.set_ylim(runs[SCORE].min() - 0.02, 1)

mlflow.set_experiment("comparisons")
with mlflow.start_run(run_name=EXPERIMENT) as run:
    mlflow.log_figure(figure, "accuracy.png")
print(f"the plot is accuracy.png of run {run.info.run_id}")
