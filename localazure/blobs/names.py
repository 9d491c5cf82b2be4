"""Names of containers and blobs: Microsoft, "Naming and referencing containers, blobs, and metadata"."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from azmlflow.localazure.core.errors import AzureError

_CONTAINER = re.compile(r"\$root|\$web|\$logs|(?=.{3,63}$)[a-z0-9](?:-?[a-z0-9])*")
_MAX_NAME, _MAX_SEGMENTS = 1024, 254


@dataclass(frozen=True)
class Address:
    """Which blob: account, container and name.

    Raises:
        AzureError: 400 when the container or the name is not one that Azure allows.
    """

    account: str
    container: str
    name: str

    def __post_init__(self) -> None:
        check_container(self.container)
        segments = self.name.split("/")
        if not 1 <= len(self.name) <= _MAX_NAME or len(segments) > _MAX_SEGMENTS:
            raise AzureError(400, "OutOfRangeInput", "A blob name has 1 to 1024 characters and at most 254 segments.")
        if any(map(_is_forbidden, self.name)) or not {".", ".."}.isdisjoint(segments):
            raise AzureError(
                400, "InvalidResourceName", "A blob name has no control characters and no '.' or '..' segments."
            )

    @property
    def key(self) -> str:
        """Its key in the store."""
        return f"{self.account}/{self.container}/{self.name}"


def check_container(name: str) -> None:
    """Raise 400 `InvalidResourceName` unless `name` is a container name that Azure allows."""
    if _CONTAINER.fullmatch(name) is None:
        raise AzureError(
            400,
            "InvalidResourceName",
            "The specified resource name contains invalid characters: a container name has 3 to 63 lower-case "
            "letters, digits and single hyphens.",
        )


def _is_forbidden(character: str) -> bool:
    # Control characters and what XML, in which names are listed, cannot hold.
    return unicodedata.category(character) in ("Cc", "Cs") or character in "\ufffe\uffff"
