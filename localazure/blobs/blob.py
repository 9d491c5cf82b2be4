"""A committed block blob: what its document in the store says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Part:
    """A block of a committed blob: its id, its file and how many bytes are in it."""

    id: str
    file: str
    length: int


@dataclass(frozen=True)
class Blob:
    """A committed block blob.

    Attributes:
        file: its content, put whole; empty when its blocks (`parts`) have it.
        length: how many bytes.
        md5: base64 digest; None for a blob made of blocks without one being told, as Azure computes none there.
        etag: changes with every change, quotes included.
        created, modified: ISO 8601 instants.
        headers: content-type, content-encoding, ... as told at the upload.
        metadata: the names and values of `x-ms-meta-*`.
        parts: the blocks that it was made of, in order.
        copied: the `x-ms-copy-*` of the copy that made it.
    """

    file: str
    length: int
    md5: str | None
    etag: str
    created: str
    modified: str
    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    parts: Sequence[Part] = field(default=())
    copied: Mapping[str, str] = field(default_factory=dict)

    @property
    def pieces(self) -> list[tuple[str, int]]:
        """Its files in order, each with its length."""
        return [(part.file, part.length) for part in self.parts] if self.parts else [(self.file, self.length)]

    @property
    def last_modified(self) -> datetime:
        """When it last changed."""
        return datetime.fromisoformat(self.modified)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Blob:
        """The blob that a kept document is."""
        # Kept by an earlier version, blocks were joined into one file, and told by offsets into it.
        parts = [Part(**part) for part in document["parts"] if "offset" not in part]
        return cls(**{**document, "parts": parts})
