"""Runs as Azure Machine Learning's history, metric and artifact services show and change them.

How a run comes to be is in `submission` and `localazure.runner`.
"""
