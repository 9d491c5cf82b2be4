"""Who asks, how they prove it, and what they may do: directory, tokens, browsers' sessions, enforcement.

The decision itself is `azmlflow.rbac`'s.
"""
