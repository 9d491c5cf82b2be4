"""Checks of what Pulumi keeps of the stack: the backend with its state, and what encrypts its secrets."""

from __future__ import annotations

from azmlflow.cli.checks.base import Check, Finding, Situation
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.yaml_file import read_yaml
from azmlflow.cli.pulumi import engine
from azmlflow.cli.pulumi.backends import PASSPHRASE

_VARIABLES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
_CLOUD = "https://"  # Pulumi Cloud, or a company's own, which keep the key themselves


def _unasked(situation: Situation, local: str) -> Finding | None:
    """What is said without asking an engine: `local` of a stack on the embedded Azure; None where one is asked."""
    if situation.session.file.local:
        return Finding("ok", local)
    if engine.present(situation.environment) is None:
        return Finding("skipped", "no engine is here that could ask it")
    return None


def _backend(situation: Situation) -> Finding:
    if known := _unasked(situation, "the project's own folder"):
        return known
    if situation.unread:
        return Finding("failed", situation.unread.what, situation.unread.next or "")
    return Finding("ok", situation.environment.get("PULUMI_BACKEND_URL") or "the one that Pulumi is signed in to")


def _secrets(situation: Situation) -> Finding:
    if known := _unasked(situation, "under a passphrase of the project's own"):
        return known
    stack = situation.session.stack()
    if not stack.exists():
        return _before_the_first(situation)
    try:
        stack.open_secrets()
    except CliError as fault:
        return Finding("failed", fault.what, fault.next or "")
    return Finding("ok", "what encrypts them encrypts")


def _before_the_first(situation: Situation) -> Finding:
    """Whether a new state would find a passphrase, where it needs one.

    Pulumi, "Secrets": a state in a backend of one's own is under a passphrase, unless another provider is named.
    """
    backend = situation.environment.get("PULUMI_BACKEND_URL", "")
    given = any(name in situation.environment for name in _VARIABLES)
    session = situation.session
    provider = read_yaml(session.project.settings_path(session.name)).get("secretsprovider") or "passphrase"
    if given or not backend or backend.startswith(_CLOUD) or provider != "passphrase":
        return Finding("ok", "nothing stands yet")
    return Finding("failed", "a new state would be under a passphrase, and none is set", PASSPHRASE)


CHECKS = (
    Check("backend", "Can the stack's state be read?", _backend, cloud=False, first=True),
    Check("secrets", "Can the stack's secrets be read?", _secrets, cloud=False, first=True),
)
