"""Deployments of online endpoints as processes: each made ready, started, watched, and started again.

They have the keeper and the users that jobs have. Where requests for them go is told in `cloud.serving`.
"""
