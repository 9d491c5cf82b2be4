"""What a failed operation of the engine tells people: the cloud's own words, and the command that mends it."""

from __future__ import annotations

import re
import uuid

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.hints import throttled, with_engine
from azmlflow.cli.pulumi.backends import complaint
from azmlflow.cli.pulumi.changes import Outcome, urn_name
from azmlflow.localazure.machine.shortage import said

_THROTTLED = re.compile(r"toomanyrequests|requeststhrottled|asks us to wait|\b429\b", re.IGNORECASE)
# The azure-native provider's words, before it makes what it does not know (provider/pkg/provider/provider.go).
_EXISTS = re.compile(r"cannot create already existing resource '([^']+)'")
# What all of these words in a complaint call for.
_COMMANDS = (
    (
        ("there is no model", "register it first"),
        "azmlflow set --unset endpoints --stack {stack}    (then `azmlflow up`, and register it)",
    ),
    (("scope(s) are locked",), "azmlflow doctor --stack {stack}    (names the lock, and what takes it away)"),
)
_PASSPHRASE = "azmlflow local repair    (a new state begins, and the old one is kept)"


def held(stack: str, text: str) -> CliError:
    """The error for a stack that another process holds, from what the engine says."""
    line = next((line.strip() for line in text.splitlines() if "created by" in line), "")
    who = f": {line}" if line else ""
    return CliError(
        f"stack `{stack}` is held by another update{who}",
        next=f"wait for it to end; if it is dead: {with_engine(f'pulumi cancel --yes --stack {stack}', stack)}",
    )


def failed(stack: str, outcome: Outcome, text: str, again: str, *, mended: bool = True, own: bool = False) -> CliError:
    """The error for an operation that failed: the first resource's own words, else the engine's last ones.

    Args:
        stack: the stack.
        outcome: what the engine told while it worked.
        text: what it said at its end.
        again: the command that goes on from here.
        mended: that command mends what a killed engine left half written.
        own: the program is its user's: no setting of ours changes what it does.
    """
    errors = [entry for entry in outcome.diagnoses if entry.severity == "error"]
    # What providers say of a resource explains more than the engine's "update failed" on the stack.
    told = [entry for entry in errors if entry.urn and "pulumi:pulumi:Stack" not in entry.urn] or errors
    if not told:
        if not mended and (cause := complaint(text)):
            return cause
        complaints = [line for line in _lines(text) if line.startswith("error:")]
        what = complaints[0].removeprefix("error:").strip() if complaints else _last_line(text)
        lacks = said(text)
        mine = _PASSPHRASE if mended and "incorrect passphrase" in what.lower() else again
        next_ = lacks.next if lacks else mine if mended else _torn(what) or again
        return CliError(f"the Pulumi engine failed: {what}", next=next_)
    first = told[0]
    others = len({entry.urn for entry in told}) - 1
    more = f" (and {others} more)" if others > 0 else ""
    what = _unwrapped(first.message)
    return CliError(
        f"{what}{more}", where=urn_name(first.urn) or None, next=advice(what, stack, own=own, local=mended) or again
    )


def _torn(what: str) -> str | None:
    """The command for a file backend that a killed engine left half written (`mending.recover.drop_torn_files`)."""
    if not what.endswith(": EOF"):
        return None
    return "find BACKEND -name '*.attrs' -empty -delete    (its folder, PULUMI_BACKEND_URL), and the command again"


def advice(message: str, stack: str, *, own: bool = False, local: bool = False) -> str | None:
    """The command that mends what Azure complains of, where there is one.

    Args:
        message: Azure's words.
        stack: the stack.
        own: the program is its user's.
        local: Azure is the embedded one, whose directory knows at once whom it knows.
    """
    if (lacks := said(message)) or _THROTTLED.search(message):
        return lacks.next if lacks else throttled(message)
    lowered = message.lower()
    if "principalnotfound" in lowered:
        gone = re.search(r"principal ([0-9a-f-]{32,36})", lowered)
        who = str(uuid.UUID(gone[1])) if gone else "PRINCIPAL"
        why = "if it is gone from the directory; else wait, and `azmlflow up`"
        if local:
            why = "or `azmlflow local user add NAME`, as the stack's settings call them: the same name has the same id"
        return f"azmlflow revoke {who} --stack {stack}    ({why})"
    if any(words in lowered for words in ("soft-deleted", "soft deleted", "deleted state")):
        return _held_name(message, stack, own=own)
    for wanted, command in _COMMANDS:
        if all(each in lowered for each in wanted):
            return command.format(stack=stack)
    if "missingsubscriptionregistration" in lowered:
        words = message.replace("'", " ").split()
        namespace = next((word for word in words if word.lower().startswith("microsoft.")), "NAMESPACE")
        return f"az provider register --namespace {namespace}"
    return _other_name(message, stack, own=own)


def _other_name(message: str, stack: str, *, own: bool) -> str | None:
    """What helps where a name is taken by something that stands."""
    if exists := _EXISTS.search(message):
        where = "program" if own else "settings"
        return f"another name in the {where}; or, if nobody needs what is there: az resource delete --ids {exists[1]}"
    lowered = message.lower()
    taken = "already" in lowered and ("taken" in lowered or "in use" in lowered)
    return f"choose another name, or another azmlflow:salt, in Pulumi.{stack}.yaml" if taken else None


def _held_name(message: str, stack: str, *, own: bool) -> str:
    """What helps where something soft-deleted holds a name. `down` knows nothing of what a program of others names."""
    if not own:
        return f"azmlflow set onSoftDeleted recover --stack {stack}    (then `azmlflow up`; or purge, or rename)"
    other = "or give it another name in the program"
    if "deleted state" not in message.lower():
        return f"az ml workspace delete --name NAME --resource-group GROUP --permanently-delete    (for good; {other})"
    vault = found[1] if (found := re.search(r"key vault '([\w-]+)'", message)) else "VAULT"
    back = f"az keyvault recover --name {vault}, and `pulumi import` takes it in"
    return f"az keyvault purge --name {vault}    (for good; where purge protection forbids it: {back}; {other})"


def _unwrapped(message: str) -> str:
    """A diagnosis without the engine's own frame around it."""
    lines = [line.strip(" *\t") for line in message.splitlines() if line.strip(" *\t")]
    lines = [line for line in lines if not line.endswith(("error occurred:", "errors occurred:"))] or lines
    text = lines[0] if lines else message
    return text.removeprefix("error: ")


def _last_line(text: str) -> str:
    lines = _lines(text)
    return lines[-1][:300] if lines else "it gave no reason"


def _lines(text: str) -> list[str]:
    """What was said, without the Automation API's name for the stream (pulumi/automation/errors.py: CommandError)."""
    lines = (line.strip().removeprefix("stderr:").strip() for line in text.splitlines())
    return [line for line in lines if line]
