"""What a provider fills in before a resource is compared or made: its name. Pure.

Names as azure-native's AutoNamer: the old one if there was one, else `<name in the program><8 hex>`, or just the
name for what is named within its parent, or a GUID for role assignments and definitions. The engine's seed decides
the random part, so that a repeated deployment of the same step gives the same name.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from azmlflow.localazure.plugin.schema.types import TypeMap

# azure-native's own note in the inputs: a made-up name lets a replacement stand before the old one goes.
CREATE_BEFORE_DELETE = "__createBeforeDelete"


class NameRequired(Exception):
    """The stack forbids made-up names and the program gives none."""


@dataclass(frozen=True)
class Autonaming:
    """The stack's `pulumi:autonaming` for one resource: the name it proposes, and how strictly."""

    proposed: str
    mode: Literal["propose", "enforce", "disable"]


@dataclass(frozen=True)
class Naming:
    """What a name is made of: the resource's name in the program, the engine's seed for this step, the stack's rule."""

    name: str
    seed: bytes = b""
    rule: Autonaming | None = None


def with_name(kind: TypeMap, inputs: Mapping[str, Any], old: Mapping[str, Any], naming: Naming) -> dict[str, Any]:
    """Inputs with the resource's name in them.

    Args:
        kind: the type.
        inputs: the program's inputs.
        old: the inputs of the last deployment, if any.
        naming: what to make a name of.

    Raises:
        NameRequired: when the stack forbids made-up names.
    """
    if kind.name_input in inputs:
        return dict(inputs)
    if kind.name_input in old:
        kept = {key: old[key] for key in (kind.name_input, CREATE_BEFORE_DELETE) if key in old}
        return {**inputs, **kept}
    if naming.rule is not None and naming.rule.mode == "disable":
        raise NameRequired(f"'{kind.name_input}' must be set: this stack's pulumi:autonaming is disabled")
    random = hashlib.sha256(naming.seed or secrets.token_bytes(32)).digest()
    if kind.auto_name == "uuid":
        made = str(uuid.UUID(bytes=random[:16], version=4))
    elif naming.rule is not None and naming.rule.proposed:
        made = naming.rule.proposed
    else:
        made = naming.name + (random.hex()[:8] if kind.auto_name == "random" else "")
    note = {} if kind.auto_name == "copy" else {CREATE_BEFORE_DELETE: True}
    return {**inputs, kind.name_input: made, **note}
