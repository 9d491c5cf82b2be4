"""Managed online endpoints and their deployments: what they may say, who may send them requests, where traffic goes.

How a deployment's process runs is in `serving`; how requests reach it in `services/inference.py`.
"""
