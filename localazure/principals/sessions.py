"""Who looks at a workspace in a browser: one-time codes, and the sessions that they are exchanged for.

A code is 256 bits, good for one exchange within a minute; what it is exchanged for is a session: an id, which stands in
the path of its pages, and a key, which is in its cookie alone. Only digests of codes and keys are kept, in memory: a
stop of the embedded Azure ends every session.

The path's id lets several principals be looked at side by side in one browser. It does one thing more: browsers do not
keep the cookies of two ports of 127.0.0.1 apart, and the cookie's Path, which no other program knows, does.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

CODE_LIFETIME = timedelta(seconds=60)
SESSION_LIFETIME = timedelta(hours=8)
_K = TypeVar("_K")
_V = TypeVar("_V")
_AT_ONCE = 1000  # codes, and sessions: the oldest give way


@dataclass(frozen=True)
class Granted:
    """A role assignment that a stack's grants call for: what Azure does not know of it.

    Attributes:
        scope, principal_id, role: ARM id, object id, and the role definition's GUID, in lower case.
        persona: what was granted.
        until: the last day, ISO 8601; empty for a grant without an end.
    """

    scope: str
    principal_id: str
    role: str
    persona: str
    until: str


@dataclass(frozen=True)
class BrowserSession:
    """A principal at a workspace's page.

    Attributes:
        id: stands in the path; no secret by itself.
        principal_id: object id.
        workspace_id: the workspace's ARM id.
        expires: when it ends.
        digest: of its key.
        grants: the stack's, as whoever opened the page told them.
    """

    id: str
    principal_id: str
    workspace_id: str
    expires: datetime
    digest: bytes
    grants: tuple[Granted, ...] = ()


class Sessions:
    """The codes that wait and the sessions that last."""

    def __init__(self) -> None:
        self._codes: dict[bytes, tuple[str, str, datetime, tuple[Granted, ...]]] = {}
        self._sessions: dict[str, BrowserSession] = {}

    def issue(self, principal_id: str, workspace_id: str, now: datetime, grants: tuple[Granted, ...] = ()) -> str:
        """A code by which a browser signs in as a principal, at one workspace, whose stack has these grants."""
        self._codes = _limited({key: kept for key, kept in self._codes.items() if kept[2] > now})
        code = secrets.token_urlsafe(32)
        self._codes[_digest(code)] = (principal_id, workspace_id, now + CODE_LIFETIME, grants)
        return code

    def exchange(self, code: str, now: datetime) -> tuple[BrowserSession, str] | None:
        """The session that a code is good for, and its key; None for a code that is unknown, used or too old."""
        principal_id, workspace_id, expires, grants = self._codes.pop(_digest(code), ("", "", now, ()))
        if expires <= now:
            return None
        self._sessions = _limited({key: kept for key, kept in self._sessions.items() if kept.expires > now})
        key = secrets.token_urlsafe(32)
        session = BrowserSession(
            secrets.token_urlsafe(16), principal_id, workspace_id, now + SESSION_LIFETIME, _digest(key), grants
        )
        self._sessions[session.id] = session
        return session, key

    def find(self, session_id: str, key: str, now: datetime) -> BrowserSession | None:
        """The session of this id, if the key is its own and it has not ended."""
        session = self._sessions.get(session_id)
        if session is None or session.expires <= now or not hmac.compare_digest(session.digest, _digest(key)):
            return None
        return session

    def end(self, session_id: str) -> None:
        """End a session."""
        self._sessions.pop(session_id, None)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _limited(kept: dict[_K, _V]) -> dict[_K, _V]:
    return dict(list(kept.items())[-(_AT_ONCE - 1) :])
