"""MLflow's searches as Azure Machine Learning takes them: what it has beyond MLflow's, and what it refuses.

The searching is MLflow's own; what its store has here beyond that is in `localazure.tracking.searches`.
"""
