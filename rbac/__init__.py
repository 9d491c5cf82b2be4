"""Who may do what in an Azure Machine Learning workspace: operations, roles, scopes, grants and the evaluator."""
