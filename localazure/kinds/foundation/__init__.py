"""Kinds that a workspace stands on: group, storage, vault, insights, identities, roles, locks.

One file a kind.
"""
