"""Kinds of Azure Machine Learning itself: workspace, computes, datastores, jobs.

One file a kind.
"""
