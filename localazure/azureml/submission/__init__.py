"""How SDK v1 and MLflow Projects start runs: snapshots, environments, runs on clusters and on the client's machine.

What becomes of a job is in `localazure.runner`.
"""
