"""Kinds of what a workspace's people make: code, data, environments, models.

One file a kind; what containers share is in `assets`.
"""
