"""The pages of `azmlflow ui`: MLflow's own and those beside it.

A page shows nothing that its principal could not read by a request of its own.
"""
