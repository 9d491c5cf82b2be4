"""Who is meant: a user, group or application by name, mail address, application id or object id.

The look-up itself is `azmlflow.rbac.azure`'s; here its answer becomes what the settings hold.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A principal of the directory.

    Attributes:
        id: object id.
        type: `User`, `Group` or `ServicePrincipal`.
        name: for people: user principal name, or display name.
    """

    id: str
    type: str
    name: str
