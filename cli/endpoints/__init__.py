"""`deploy` and `score`: a registered model looked at, deployed, asked, and given the traffic of its endpoint.

`look` runs in the data scientist's environment and imports nothing of azmlflow.
"""
