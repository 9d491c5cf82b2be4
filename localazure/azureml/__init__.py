"""The data plane of Azure Machine Learning: the services behind `*.api.azureml.ms`, one module each.

Below: `submission` (SDK v1's runs), `history` (runs, metrics, artifacts), `request` (what a request is about).
"""
