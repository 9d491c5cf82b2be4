"""The one real MLflow server behind all workspaces: its process, its store, requests to it.

What MLflow's clients may ask is in `azureml`.
"""
