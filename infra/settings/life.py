"""Since when a stack is, whose it is, and until when: tags of its group, which `up` writes into the settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from azmlflow.infra.plan import tags
from azmlflow.infra.settings.fields import Instant

CreatedOn = Annotated[
    Instant,
    Field(
        description="Since when the stack is; a tag of the group, by which `azmlflow sweep` tells its age. `up` writes "
        "it.",
        examples=["2027-01-31T12:00:00Z"],
    ),
]
Owner = Annotated[
    str | None,
    Field(
        description="Who made the stack, as a tag of the group. The first `up` writes it.",
        max_length=tags.LONGEST_VALUE,
        examples=["alice@contoso.com"],
    ),
]
ExpiresOn = Annotated[
    Instant,
    Field(
        description="From when on `azmlflow sweep --expired` takes the stack; a tag of the group. `up --expires` "
        "writes it.",
        examples=["2027-01-31T12:00:00Z"],
    ),
]
