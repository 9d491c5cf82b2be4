"""Somebody at a page of a workspace, and what such a page is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.principals.directory import Principal
from azmlflow.localazure.principals.sessions import Granted
from azmlflow.localazure.ui.reader import Reader


@dataclass(frozen=True)
class Visit:
    """Somebody at a page.

    Attributes:
        cloud: the embedded Azure.
        principal: who looks.
        workspace: the workspace's document. Only its id and name may be shown without asking `reader`.
        reader: what the principal may read.
        base: the address of the session, with a `/` at its end.
        scoring: what answers requests for predictions.
        grants: the stack's, as its settings had them when the page was opened.
        query: what the address asks for behind its `?`.
    """

    cloud: Cloud
    principal: Principal
    workspace: Document
    reader: Reader
    base: str
    scoring: ASGIApp
    grants: tuple[Granted, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The workspace's ARM id."""
        return str(self.workspace["id"])


@dataclass(frozen=True)
class Tab:
    """A page of a workspace: its path below the session's, its name, what it shows."""

    path: str
    title: str
    show: Callable[[Visit], Awaitable[str]]
