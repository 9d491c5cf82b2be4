"""Registered models, kept by MLflow's registry for all clients; where files are, and how clients spell that.

Who asks, and how it is shown, is in `kinds` and `azureml`.
"""
