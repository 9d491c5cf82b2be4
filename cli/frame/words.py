"""What people call things, and how many there are, and for how long: `2 storage accounts`, `14d`."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable
from datetime import timedelta

Say = Callable[[str], None]  # tells people something

_CALLED = {
    "microsoft.storage/storageaccounts": "storage account",
    "microsoft.keyvault/vaults": "key vault",
    "microsoft.operationalinsights/workspaces": "Log Analytics workspace",
    "microsoft.insights/components": "Application Insights",
    "microsoft.machinelearningservices/workspaces": "workspace",
    "microsoft.managedidentity/userassignedidentities": "managed identity",
}


def called(arm_type: str) -> str:
    """What people call a resource of this type, in any case; its type's last word where there is no other."""
    return _CALLED.get(arm_type.lower()) or arm_type.rsplit("/", 1)[-1]


def many(count: int, what: str) -> str:
    """`1 role`, `2 roles`."""
    if count == 1 or what.endswith("s"):
        return f"{count} {what}"
    return f"{count} {what[:-1]}ies" if what.endswith("ty") else f"{count} {what}s"


def span(time: timedelta) -> str:
    """A time in its largest whole unit: `14d`, `3h`, `5m`, `40s`."""
    seconds = int(time.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def hanging(text: str, indent: int) -> str:
    """A text that begins at column `indent`, and on a terminal goes on there in the lines that it needs."""
    if not sys.stdout.isatty():
        return text
    width = max(shutil.get_terminal_size().columns - indent, 20)
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * indent}".join(lines)
