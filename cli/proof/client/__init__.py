"""The proof itself, run by the data scientist's interpreter: what the signed-in principal can do, found by doing it.

It imports the standard library and what MLflow and azureml-mlflow bring, and nothing of azmlflow: `run` is its start,
and its files import each other by their places beside each other.
"""
