"""ARM ids in the settings, held against Azure's grammar of them."""

from __future__ import annotations

from azmlflow.infra.settings.faults import refuse
from azmlflow.rbac import scopes


def resource(text: str, type_: str = "") -> str:
    """An ARM id of a resource in a group, as Azure writes it.

    Args:
        text: what was written.
        type_: the type that it has to be of; any without.

    Raises:
        PydanticCustomError: it is none, or another type's.
    """
    wanted = f"the ARM id of a {type_}" if type_ else "a resource's ARM id"
    try:
        found = scopes.parse(text)
    except scopes.InvalidScope as fault:
        raise refuse(f"{fault}; it has to be {wanted}") from None
    if not found.names or not found.resource_group:
        raise refuse(f"'{text}' is not {wanted}: /subscriptions/.../resourceGroups/.../providers/{type_ or '...'}")
    given = f"{found.namespace}/{'/'.join(found.types)}"
    if type_ and given.lower() != type_.lower():
        raise refuse(f"'{text}' is the id of a {given}; it has to be {wanted}")
    return found.id
