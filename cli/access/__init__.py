"""Grants in the settings, who is meant by a name, and what Azure has before a grant is applied.

Who may do what is decided in `azmlflow.rbac`, never here.
"""
