"""`verify`: what a principal can do, found by doing it with MLflow's real client, and what that means.

`client` runs in the data scientist's environment and imports nothing of azmlflow.
"""
