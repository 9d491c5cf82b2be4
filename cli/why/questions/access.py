"""May the principal that was refused do it now? The evaluator is asked, as for `azmlflow access --explain`."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from azmlflow.cli.checks import Situation
from azmlflow.cli.why.questions.base import Named, Verdict, behind
from azmlflow.rbac import roles, scopes
from azmlflow.rbac.evaluate import Decision, evaluate
from azmlflow.rbac.report.access import narrowest_role
from azmlflow.rbac.report.reasons import because

_READ = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
_WRITE = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
_IN_FORCE = "sign in anew and type it again; if it is refused then too, wait: a grant takes up to ten minutes"


def of_action(situation: Situation, named: Named) -> Verdict:
    """Of an ARM action, which the text names with client and scope (`AuthorizationFailed`)."""
    action, scope, who = named.get("action", ""), named.get("scope", ""), named.get("client", "")
    if not (action and scope and named.get("id")):
        return Verdict(None, "the text does not say who was refused what, and where")
    if not scopes.contains(situation.group, scope):
        return Verdict(None, f"it was refused outside of stack `{situation.session.name}`, at {scope}")
    decision = _decide(situation, named["id"], action, scope, data=False)
    if decision.verdict == "unknown":
        return Verdict(None, because(decision, named["id"], who))
    if decision.allowed:
        return Verdict(False, f"{who} may do it now", _IN_FORCE)
    return Verdict(True, *_refused(situation, who, named["id"], decision))


def of_blobs(situation: Situation, named: Named) -> Verdict:
    """Of blobs, where the service says no more than that a permission is lacking: whoever is signed in, or `--as`."""
    account = behind(situation, "storageAccount")
    if not account:
        return Verdict(None, "the stack's storage account is not known")
    who, id_ = _caller(situation, named)
    lacking = [action for action in (_READ, _WRITE) if not _decide(situation, id_, action, account, data=True).allowed]
    if not lacking:
        return Verdict(False, f"{who} may read and write blobs there now", _IN_FORCE)
    if situation.settings.storage_auth != "identity":
        why = "the workspace opens its datastores with the account's key: nobody needs a role there to use MLflow"
        return Verdict(True, f"{who} has no data role for {'reading or ' * (len(lacking) > 1)}writing blobs; {why}")
    return Verdict(True, f"{who} has no data role for {'reading or ' * (len(lacking) > 1)}writing blobs")


def _decide(situation: Situation, id_: str, action: str, scope: str, *, data: bool) -> Decision:
    tenant = situation.session.invocation.ports.read_tenant(situation.subscription, scope, (id_,))
    return evaluate(id_, action, scope, tenant.facts, data=data)


def _refused(situation: Situation, who: str, id_: str, decision: Decision) -> tuple[str, str]:
    """What to say of a refusal, and the command that ends it."""
    quoted = shlex.quote(who)
    for name, end in _ended(situation, id_, decision.action):
        return f"the grant of {name} to {who} ended on {end}", f"azmlflow grant {quoted} {name} --until 30d"
    says = because(decision, id_, who)
    if decision.cause == "denied":
        return says, "ask whoever made the deny assignment: no role helps"
    if (persona := roles.least_persona((decision.action,))) is not None:
        return says, f"azmlflow grant {quoted} {persona}"
    if (role := narrowest_role((decision.action,))) is not None:
        return says, f"az role assignment create --assignee {id_} --role {shlex.quote(role)} --scope {decision.scope}"
    return says, ""


def _ended(situation: Situation, id_: str, action: str) -> Iterable[tuple[str, str]]:
    """Grants of the settings that would allow it, and have run out: persona and last day."""
    today = situation.session.invocation.ports.today()
    for grant in situation.settings.grants:
        theirs = grant.principal_id.lower() == id_.lower()
        if theirs and not grant.in_force(today) and action in roles.persona(grant.persona).actions:
            yield grant.persona, str(grant.until)


def _caller(situation: Situation, named: Named) -> tuple[str, str]:
    if named.get("as"):
        person = situation.session.invocation.ports.find_person(named["as"], None)
        return person.name or person.id, person.id
    return situation.caller.name, situation.caller.id
