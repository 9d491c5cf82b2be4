"""What the engine says where it does not reach a stack's state or secrets, told as its cause.

The engine's words are those of Pulumi 3.259, tried, but for a token that Pulumi Cloud does not take
(https://www.pulumi.com/docs/iac/concepts/state-and-backends/).
"""

from __future__ import annotations

import re

from azmlflow.cli.frame.errors import CliError

_CHOOSE = (
    "export PULUMI_BACKEND_URL='azblob://CONTAINER?storage_account=ACCOUNT'    (or file://FOLDER; or Pulumi Cloud: "
    "PULUMI_ACCESS_TOKEN)"
)
_CHECK = "echo $PULUMI_BACKEND_URL    (is it the one that is meant, and may you read it?)"
PASSPHRASE = "export PULUMI_CONFIG_PASSPHRASE_FILE=FILE    (a file with the passphrase; keep it out of git)"
# A pattern, the cause, the command. What the pattern's group finds stands behind the cause.
_CAUSES = (
    (r"PULUMI_ACCESS_TOKEN must be set", "Pulumi is told no backend, where the stack's state is kept", _CHOOSE),
    (r"\[401\] Unauthorized", "Pulumi Cloud does not take your access token", _CHOOSE),
    (r"performing HTTP request: (.+)", "Pulumi Cloud does not answer", _CHOOSE),
    (
        r"passphrase must be set with PULUMI_CONFIG_PASSPHRASE",
        "the stack's secrets are under a passphrase, and none is set",
        PASSPHRASE,
    ),
    (r"incorrect passphrase", "the stack's secrets are under another passphrase than the one that is set", PASSPHRASE),
    (
        r"https://([\w-]+\.vault\.azure\.net/keys/[^/?\"]+)",
        "the key that encrypts the stack's secrets does not answer",
        "az login    (as somebody who may use that key; or does it exist no more?)",
    ),
    (
        r"DefaultAzureCredential: failed to acquire a token",
        "nobody is signed in who could read Pulumi's backend",
        "az login",
    ),
    (r"unable to open state directory (.+)", "Pulumi's backend cannot be opened", _CHECK),
    (r"(?:could not list bucket|read \"\.pulumi/meta\.yaml\"): (.+)", "Pulumi's backend does not answer", _CHECK),
)


def complaint(text: str) -> CliError | None:
    """Why the engine reached no state, or no secrets; None where that is not what it complains of."""
    for pattern, cause, next_ in _CAUSES:
        if found := re.search(pattern, text):
            said = f": {found[1].strip()}" if found.groups() else ""
            return CliError(f"{cause}{said}", next=next_)
    return None
