"""What can be wrong with an answer of Azure's, as people see it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.hints import THROTTLED
from azmlflow.cli.frame.words import lasting

_BETWEEN = "azmlflow doctor    (something between here and Azure may have answered in its place: see HTTPS_PROXY)"


# Azure's code for a subscription that is not there, or not visible to whoever is signed in.
NO_SUBSCRIPTION = "SubscriptionNotFound"
_BY_STATUS = {403: "ask an Owner of the resource group for access", 401: "az login", 429: THROTTLED}
_BY_CODE = {NO_SUBSCRIPTION: "az account list --all    (is it one of yours? else `az login` as who has it)"}


class ArmError(CliError):
    """ARM refused a request.

    Attributes:
        status: the HTTP status.
        code: Azure's code, e.g. `AuthorizationFailed`.
        message: Azure's sentence.
        told: whether Azure gave a reason at all.
    """

    told = True

    def __init__(self, status: int, code: str, message: str, where: str) -> None:
        next_ = _BY_CODE.get(code) or _BY_STATUS.get(status, "azmlflow status")
        super().__init__(f"Azure refused: {code}: {message}", where=where, next=next_)
        self.status, self.code, self.message = status, code, message

    @classmethod
    def of(cls, status: int, document: object, where: str) -> ArmError:
        """From the body of a refusal, or of an operation that failed: `{"error": {"code", "message"}}`, or these two
        alone, as Azure Monitor has them (Microsoft, "Activity Logs - List", `ErrorResponse`)."""
        found: Mapping[str, Any] = document if isinstance(document, Mapping) else {}
        error = found.get("error", found)
        reason: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
        code = reason.get("code")
        fault = cls(status, str(code or status), str(reason.get("message") or "no reason given"), where)
        fault.told = bool(code) and reason is not found  # Resource Manager's own form: anybody has the other one
        return fault


class TimedOut(CliError):
    """Azure accepted, and has not finished in the time that was given to it."""

    @classmethod
    def after(cls, seconds: float) -> TimedOut:
        """So many seconds were given."""
        what = f"Azure has not finished within {lasting(seconds)}"
        return cls(what, next="type the command again: it goes on from here")


@contextlib.contextmanager
def late_at(where: str) -> Iterator[None]:
    """Add the resource that was waited for to a timeout: where it is noticed, that is not known."""
    try:
        yield
    except TimedOut as fault:
        fault.where = fault.where or where
        raise


class ForeignAnswer(CliError):
    """An answer leads to another host than the one that gave it; nothing was sent there."""

    def __init__(self, ours: str, theirs: str, where: str) -> None:
        super().__init__(f"an answer of {ours} leads to {theirs}: nothing was sent there", where=where, next=_BETWEEN)


class MalformedAnswer(CliError):
    """What was answered has another form than Azure's answers have."""

    def __init__(self, lacks: str, where: str) -> None:
        super().__init__(f"what was answered is not Azure's: {lacks}", where=where, next=_BETWEEN)


class Document(dict[str, Any]):
    """A JSON object that Azure answered: a member that Azure always gives, and that is not there, is told as such."""

    def __missing__(self, name: str) -> Any:
        raise MalformedAnswer(f"there is no `{name}` in it", str(self.get("id") or "an answer"))
