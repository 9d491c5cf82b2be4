"""`azmlflow verify`: what a principal can do, proved with MLflow's client, beside the role assignments."""

from __future__ import annotations

import secrets
from typing import Any

import click

from azmlflow.cli.access import completing
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.folding import folded
from azmlflow.cli.local import entering
from azmlflow.cli.proof import child, verdict
from azmlflow.cli.session.collaborators import Person
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import Session, open_session
from azmlflow.infra.plan.serving import ENDPOINT
from azmlflow.localazure.core.constants import DEVELOPER
from azmlflow.resourcetypes.table import version_of


@click.command(
    cls=Command,
    examples=(
        "azmlflow verify",
        "azmlflow verify --as alice@local.test",
        "azmlflow verify --clean",
        "azmlflow verify --stack prod --python ~/venv/bin/python --output json",
    ),
)
@completing.as_user()
@click.option("--clean", is_flag=True, help="Remove what earlier proofs could not remove; takes an owner.")
@click.option("--python", metavar="PATH", help="The Python that has mlflow and azureml-mlflow; else one is looked for.")
@common
def command(invocation: Invocation, principal: str | None, clean: bool, python: str | None) -> None:
    """Makes an experiment, a run, a metric, a parameter, an artifact, a model, a version and an endpoint, reads them
    back, and removes what it may; what stays is named and bears the tag `azmlflow-verify`. What MLflow removes can be
    restored; a model registered from local files leaves them in the workspace's storage.

    The endpoint has no deployment, so it costs nothing. Keys, tokens and deployments are asked of an endpoint that is
    not there, which proves the right as well. Who cannot make an endpoint asks one that takes Entra tokens, if the
    workspace has one, by the name of a deployment that it has not: no model sees that request.

    Exit code 1 when Azure does other than the role assignments say, or a step ends in an error; a refusal that the role
    assignments ask for is none.
    """
    session = open_session(invocation)
    ports = invocation.ports
    if session.file.local:
        entering.start(session.project, invocation.say)
    # Before this process enters the cloud as the developer: the proof signs in as the principal, in the user's shell.
    shell = dict(ports.environment)
    runner = child.find_python(python, session.project.root, shell)
    environment = entering.child_environment(session.project, session.file, principal, shell)
    session.enter()
    outputs = session.outputs()
    environment["MLFLOW_TRACKING_URI"] = outputs.tracking_uri
    if clean:
        _clean(invocation, session, runner, environment)
        return
    person = _person(session, principal)
    facts = ports.read_access(outputs.subscription_id, outputs.workspace_id)
    invocation.say(f"verify as {person.name} on {outputs.workspace_name}, with {runner.path}")
    invocation.say("it makes and removes an endpoint without a deployment, which costs nothing")
    findings: list[verdict.Finding] = []
    left: list[dict[str, str]] = []
    version = version_of(ENDPOINT)
    for line in child.prove(runner, ("prove", secrets.token_hex(6), version), environment):
        if "left" in line:
            left = line["left"]
            continue
        findings.append(verdict.judge(line, person.id, outputs.workspace_id, facts))
        if invocation.output == "text":
            click.echo(folded(verdict.line(findings[-1], person.name, session.name)))
    if left:
        names = ", ".join(f"{each['kind']} {each['name']}" for each in left)
        invocation.say(f"left behind: {names}; an owner removes it: `azmlflow verify --clean --stack {session.name}`")
    invocation.result(
        {
            "stack": session.name,
            "principal": person.name,
            "principalId": person.id,
            "compared": facts is not None,
            "agrees": facts is not None and not any(each.differs for each in findings),
            "steps": [each.document() for each in findings],
            "left": left,
        },
        lambda: verdict.summary(findings),
    )
    if any(each.differs or each.outcome == "error" for each in findings):
        click.get_current_context().exit(1)


def _person(session: Session, principal: str | None) -> Person:
    """Who the proof signs in as.

    Raises:
        CliError: a group, as which nobody signs in.
    """
    if principal is None and not session.file.local:
        caller = session.invocation.ports.whoami()
        return Person(caller.id, "", caller.name)
    person = session.invocation.ports.find_person(principal or DEVELOPER, None)
    if person.type == "Group":
        raise CliError(f"`{person.name}` is a group, and nobody signs in as one", next="azmlflow local user list")
    return person


def _clean(invocation: Invocation, session: Session, python: child.Python, environment: dict[str, str]) -> None:
    """Remove what bears the tag; what is refused is named."""
    removed: list[dict[str, str]] = []
    kept: list[dict[str, Any]] = []
    unseen: list[dict[str, str]] = []
    for line in child.prove(python, ("clean",), environment):
        if "removed" in line:
            removed.append(line["removed"])
        elif "unseen" in line:
            unseen.append(line)
            why = line["message"].splitlines()[0]
            invocation.warn(f"{line['unseen']} may not be listed, so what is left of them stays: {why}")
        else:
            kept.append({**line["kept"], "message": line["message"]})
    names = "\n".join(f"  removed {each['kind']} {each['name']}" for each in removed)
    invocation.result(
        {"stack": session.name, "removed": removed, "kept": kept, "unseen": unseen},
        names or ("" if kept or unseen else "nothing to remove"),
    )
    if kept:
        first = kept[0]
        raise CliError(
            f"{len(kept)} traces stay: {', '.join(each['kind'] + ' ' + each['name'] for each in kept)}",
            where=str(first["message"]).splitlines()[0],
            next="azmlflow verify --clean    (as an owner of the workspace)",
        )
