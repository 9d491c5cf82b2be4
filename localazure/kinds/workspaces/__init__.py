"""Kinds of Azure Machine Learning itself: workspace, computes, datastores.

One file a kind.
"""
