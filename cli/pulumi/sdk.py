"""Versions of the installed Pulumi packages, asked without importing them (that costs half a second)."""

from __future__ import annotations

from importlib.metadata import version


def pulumi_version() -> str:
    """The version of Pulumi's SDK."""
    return version("pulumi")


def azure_native_version() -> str:
    """The version of the azure-native SDK; the plugin that serves it bears the same."""
    return version("pulumi_azure_native")
