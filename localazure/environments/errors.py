"""What is wrong with an environment, for the person who wrote it."""

from __future__ import annotations

from azmlflow.localazure.machine.errors import LocalError


class UnusableEnvironment(LocalError):
    """No job can run in the environment on this machine; the message says why and what to do."""
