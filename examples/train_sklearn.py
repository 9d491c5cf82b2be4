"""Train scikit-learn models and let MLflow log them by itself: parameters, metrics, plots and the model.

azmlflow run -- .venv-examples/bin/python examples/train_sklearn.py
"""

import mlflow
from azureml.core import Workspace
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ws = Workspace.from_config()
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
mlflow.set_experiment("breast_cancer")
mlflow.sklearn.autolog()

features, labels = load_breast_cancer(return_X_y=True, as_frame=True)
train, test, train_labels, test_labels = train_test_split(features, labels, test_size=0.3, random_state=0)

for strength in (0.001, 0.1, 10.0):
    with mlflow.start_run(run_name=f"C={strength}") as run:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=500)).fit(train, train_labels)
        accuracy = model.score(test, test_labels)
        mlflow.log_metric("test_accuracy", accuracy)
    print(f"run {run.info.run_id}: C={strength} scores {accuracy:.3f}")
