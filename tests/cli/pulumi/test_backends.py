"""The engine's own words, as Pulumi 3.259 printed them, and what people are told."""

from __future__ import annotations

import pytest

from azmlflow.cli.pulumi.backends import complaint
from azmlflow.cli.pulumi.changes import Outcome
from azmlflow.cli.pulumi.failures import failed


@pytest.mark.parametrize(
    ("said", "what", "typed"),
    [
        (
            "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
            "Pulumi is told no backend, where the stack's state is kept",
            "export PULUMI_BACKEND_URL=",
        ),
        (
            "error: [401] Unauthorized: No credentials provided or are invalid.",
            "Pulumi Cloud does not take your access token",
            "export PULUMI_BACKEND_URL=",
        ),
        (
            'Logging in using access token from PULUMI_ACCESS_TOKEN\nerror: performing HTTP request: Get "https://'
            'api.pulumi.com/api/user": dial tcp: lookup api.pulumi.com: no such host',
            "Pulumi Cloud does not answer: Get",
            "export PULUMI_BACKEND_URL=",
        ),
        (
            "error: could not create secrets manager for new stack: passphrase must be set with "
            "PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE environment variables",
            "the stack's secrets are under a passphrase, and none is set",
            "export PULUMI_CONFIG_PASSPHRASE_FILE=",
        ),
        (
            "error: incorrect passphrase",
            "the stack's secrets are under another passphrase than the one that is set",
            "export PULUMI_CONFIG_PASSPHRASE_FILE=",
        ),
        (
            "error: 2 errors occurred:\n    1) Post "
            '"https://kv-team.vault.azure.net/keys/state/decrypt?api-version=2025-07-01": dial tcp: no such host\n'
            "    2) Unknown",
            "the key that encrypts the stack's secrets does not answer: kv-team.vault.azure.net/keys/state",
            "az login",
        ),
        (
            'error: read ".pulumi/meta.yaml": blob (key ".pulumi/meta.yaml") (code=Unknown): DefaultAzureCredential: '
            "failed to acquire a token.\nAttempted credentials:\n\tEnvironmentCredential: missing",
            "nobody is signed in who could read Pulumi's backend",
            "az login",
        ),
        (
            'error: unable to open state directory "file:///nosuch/dir": stat /nosuch/dir: no such file or directory',
            'Pulumi\'s backend cannot be opened: "file:///nosuch/dir": stat /nosuch/dir: no such file or directory',
            "echo $PULUMI_BACKEND_URL",
        ),
        (
            "error: error listing stacks: could not list bucket: blob (code=NotFound): Get "
            '"https://x.blob.core.windows.net/nosuch?comp=list": dial tcp: lookup x: no such host',
            "Pulumi's backend does not answer: blob (code=NotFound)",
            "echo $PULUMI_BACKEND_URL",
        ),
    ],
)
def test_the_cause_is_told(said: str, what: str, typed: str) -> None:
    found = complaint(said)
    assert found is not None
    assert found.what.startswith(what)
    assert str(found.next).startswith(typed)
    told = failed("dev", Outcome(()), said, "azmlflow up --stack dev", mended=False)
    assert (told.what, told.next) == (found.what, found.next)


def test_another_complaint_is_not_taken_for_one() -> None:
    assert complaint("error: update failed") is None
    assert complaint("error: 1 error occurred: https://kv-x.vault.azure.net/ is soft-deleted") is None


def test_an_own_states_passphrase_is_mended_by_a_repair() -> None:
    told = failed("local", Outcome(()), "error: incorrect passphrase", "azmlflow up --stack local")
    assert str(told.next).startswith("azmlflow local repair")
