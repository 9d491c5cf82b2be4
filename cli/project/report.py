"""From any exception to the error that people see.

Typed errors of the other packages are listed here once, by module and class; they are looked up only in
modules that are loaded already, so that reporting imports nothing. Whatever is not listed is unexpected: it goes
with its traceback to a log file, and people get one line and the file's path.
"""

from __future__ import annotations

import datetime
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.hints import THROTTLED
from azmlflow.localazure.machine.shortage import shortage

_BETWEEN = "azmlflow doctor    (something between here and Azure may have answered in its place: see HTTPS_PROXY)"


@dataclass(frozen=True)
class Known:
    """A typed error of another package: where its class is, and how it reads on the command line."""

    module: str
    name: str
    read: Callable[[Any], CliError]


def known(fault: BaseException) -> CliError | None:
    """The error as people see it, or None if it is not one that we know."""
    if isinstance(fault, CliError):
        return fault
    lacks = shortage(fault)
    if lacks is not None and lacks.room:
        return CliError(lacks.what, where=lacks.where, next=lacks.next)
    for entry in KNOWN:
        module = sys.modules.get(entry.module)
        kind = getattr(module, entry.name, None) if module else None
        if isinstance(kind, type) and isinstance(fault, kind):
            return entry.read(fault)
    return CliError(lacks.what, where=lacks.where, next=lacks.next) if lacks else _untyped(fault)


def _untyped(fault: BaseException) -> CliError | None:
    """Of Python's own errors those that what a user typed, or where, can bring about."""
    if isinstance(fault, UnicodeEncodeError) and "surrogates" in fault.reason:
        shown = fault.object[:80].encode("ascii", "backslashreplace").decode()
        return CliError(f"`{shown}` is not valid UTF-8", next="type it anew, in a terminal whose LANG ends with UTF-8")
    return None


def unexpected(fault: BaseException) -> CliError:
    """Write the traceback to a log file; one line for people."""
    text = "".join(traceback.format_exception(fault))
    kind = type(fault).__name__
    try:
        path = _log(text)
    except OSError:
        return CliError(f"unexpected {kind}: {_first_line(fault)}", next="AZMLFLOW_DEBUG=1 shows the traceback")
    return CliError(
        f"unexpected {kind}: {_first_line(fault)}",
        where=str(path),
        next=f"less {path}    (and please report it; AZMLFLOW_DEBUG=1 shows the traceback at once)",
    )


def show_traceback(fault: BaseException) -> None:
    """For AZMLFLOW_DEBUG=1: the traceback on standard error."""
    traceback.print_exception(fault)


def show_plain(fault: CliError) -> None:
    """An error on standard error, where click is not at hand."""
    sys.stderr.write(f"error: {fault.what}\n" + (f"next: {fault.next}\n" if fault.next else ""))


def _first_line(fault: BaseException) -> str:
    return (str(fault).strip().splitlines() or ["no message"])[0][:300]


def _log(text: str) -> Path:
    from azmlflow.cli.project.selection import find_project

    try:
        folder = find_project().logs
    except CliError:
        folder = Path(tempfile.gettempdir()) / f"azmlflow-{getattr(os, 'getuid', lambda: 0)()}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    now = datetime.datetime.now(datetime.UTC)
    path = folder / f"{now:%Y%m%dT%H%M%S}-{os.getpid()}.log"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _plain(fault: Exception) -> CliError:
    what = getattr(fault, "what", None) or str(fault)
    return CliError(what, where=getattr(fault, "where", None), next=getattr(fault, "next", None))


def _signed_out(fault: Exception) -> CliError:
    return CliError(f"not signed in to Azure: {_first_line(fault)}", next="az login")


def _refused(fault: Any) -> CliError:
    error = getattr(fault, "error", None)
    code = getattr(error, "code", None) or getattr(fault, "status_code", None) or "error"
    message = getattr(error, "message", None) or _first_line(fault)
    if getattr(fault, "status_code", None) == 429:
        return CliError(f"Azure refused: {code}: {message}", next=THROTTLED)
    return CliError(f"Azure refused: {code}: {message}", next=_next_for(str(code)))


def _next_for(code: str) -> str:
    if code in {"AuthorizationFailed", "403"}:
        return "ask an Owner of the resource group for access, then type the command again"
    return "azmlflow status"


def _unreachable(fault: Exception) -> CliError:
    return CliError(f"Azure does not answer: {_first_line(fault)}", next="azmlflow local status, or check the network")


def _malformed(_fault: Exception) -> CliError:
    return CliError("what was answered is not Azure's: it cannot be read as what was asked for", next=_BETWEEN)


def _strange(fault: Exception) -> CliError:
    return CliError(str(fault), next=_BETWEEN)


def _settings(fault: Any) -> CliError:
    first = fault.faults[0].fix if fault.faults else None
    return CliError(str(fault), next=first)


def _persona(fault: Exception) -> CliError:
    return CliError(str(fault), next="azmlflow roles")


def _access(fault: Exception) -> CliError:
    return CliError(
        str(fault), next="azmlflow grant --help    (people of the embedded Azure: azmlflow local user list)"
    )


def _nobody(fault: Any) -> CliError:
    if os.environ.get("AZMLFLOW_CLOUD", "").startswith("local:"):
        return CliError(fault.what, next="azmlflow local user list, or azmlflow local user add NAME@DOMAIN")
    return CliError(fault.what, next=fault.listing or "azmlflow grant --help")


KNOWN: tuple[Known, ...] = (
    Known("azmlflow.rbac.live.errors", "ForeignAnswer", _strange),
    Known("azmlflow.rbac.live.errors", "MalformedAnswer", _strange),
    Known("azmlflow.rbac.live.errors", "PrincipalUnknown", _nobody),
    Known("azmlflow.rbac.live.errors", "AccessError", _access),
    Known("azmlflow.infra.settings.faults", "SettingsError", _settings),
    Known("azmlflow.rbac.roles", "UnknownPersona", _persona),
    Known("azmlflow.localazure.machine.errors", "LocalError", _plain),
    Known("azmlflow.localazure.plugin.install", "InstallError", _plain),
    Known("azure.core.exceptions", "DeserializationError", _malformed),
    Known("azure.core.exceptions", "DecodeError", _malformed),
    Known("azure.core.exceptions", "ClientAuthenticationError", _signed_out),
    Known("azure.core.exceptions", "HttpResponseError", _refused),
    Known("azure.core.exceptions", "ServiceRequestError", _unreachable),
    Known("azure.core.exceptions", "ServiceResponseError", _unreachable),
)
