"""An Azure on this machine, for work without an account and for tests.

Nothing stands here but the rooms, from `process` at the top to `core` and `machine` at the bottom (ARCHITECTURE.md).
It is another cloud to `azmlflow.infra` and `azmlflow.rbac`, which know nothing of it.
"""
