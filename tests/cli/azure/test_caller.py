"""How azmlflow signs in: a refusal is told once, in its own words."""

from __future__ import annotations

import logging
from typing import Any

import azure.identity
import pytest
from azure.core.exceptions import ClientAuthenticationError

from azmlflow.cli.azure import caller
from azmlflow.cli.azure.connection import Connection


class Nobody:
    """As azure-identity's own: it warns of what it raises."""

    def get_token(self, *_: str, **__: Any) -> Any:
        logging.getLogger("azure.identity._credentials.chained").warning("no token from http://127.0.0.1/0123/msi")
        raise ClientAuthenticationError("nobody is signed in")


def test_what_the_library_warns_of_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sixteen lines of each way that was tried stood above our one; and an address of an identity is a secret."""
    for name in (None, "azure"):  # as in a process of azmlflow's, where nobody listens
        monkeypatch.setattr(logging.getLogger(name), "handlers", [])
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", Nobody)
    for ask in (caller.whoami, lambda: Connection(None, None)._credential.get_token("s")):
        with pytest.raises(ClientAuthenticationError):
            ask()
    assert capsys.readouterr().err == ""
