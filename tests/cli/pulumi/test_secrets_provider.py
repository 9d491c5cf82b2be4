"""What keeps a stack's secrets is read off its settings file, whatever else is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from azmlflow.cli.pulumi.automation import secrets_provider


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        (
            "secretsprovider: azurekeyvault://kv.vault.azure.net/keys/k\nconfig: {azmlflow:locks: true}\n",
            "azurekeyvault://kv.vault.azure.net/keys/k",
        ),
        ("config:\n  azmlflow:diagnostics: true\n  azmlflow:clusters: [{name: cpu}]\n", ""),
        ("", ""),
    ],
)
def test_a_switch_among_the_settings_stands_in_nobodys_way(tmp_path: Path, text: str, provider: str) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(text, encoding="utf-8")
    assert secrets_provider(path) == provider


def test_without_a_file_nothing_is_named(tmp_path: Path) -> None:
    assert secrets_provider(tmp_path / "Pulumi.dev.yaml") == ""
