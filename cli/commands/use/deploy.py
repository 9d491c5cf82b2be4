"""`azmlflow deploy`: a registered model as a web service."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from azmlflow.cli.access import completing
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.local import entering
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import Session, open_session
from azmlflow.infra.plan.serving import ENDPOINT, deployment_name
from azmlflow.rbac import scopes
from azmlflow.resourcetypes.bounds import NAMES

if TYPE_CHECKING:
    from azmlflow.cli.azure.resource_manager import ResourceManager
    from azmlflow.cli.endpoints.model import Model

_AUTH: Mapping[str, str] = {"key": "Key", "aml-token": "AMLToken", "entra": "AADToken"}
_ACTIONS = tuple(
    f"{ENDPOINT}/{verb}" for verb in ("read", "write", "deployments/read", "deployments/write", "deployments/delete")
)


@click.command(
    cls=Command,
    examples=(
        "azmlflow deploy diabetes",
        "azmlflow deploy diabetes:3 --endpoint risk --auth entra",
        "azmlflow deploy diabetes:4 --endpoint risk --no-traffic",
    ),
)
@click.option(
    "--endpoint",
    metavar="NAME",
    shell_complete=completing.endpoint,
    help="The endpoint, made if need be; else one of the model's name.",
)
@click.option("--deployment", metavar="NAME", help="The deployment; else `version-` and the model's version.")
@click.option("--auth", type=click.Choice(tuple(_AUTH)), default="key", show_default=True, help="Of a new endpoint.")
@click.option("--size", metavar="VM", default="Standard_DS3_v2", show_default=True, help="The size of its instances.")
@click.option("--count", type=click.IntRange(1, 50), default=1, show_default=True, help="How many instances.")
@click.option("--no-traffic", is_flag=True, help="Leave the traffic; only who names the deployment reaches it.")
@click.option("--keep", is_flag=True, help="Keep the deployments that answered before.")
@click.option("--unchecked", is_flag=True, help="Do not ask first whether the model's packages fit each other.")
@click.option("--python", metavar="PATH", help="The Python that has mlflow and azureml-mlflow; else one is looked for.")
@click.argument("model", metavar="MODEL[:VERSION]", shell_complete=completing.model)
@common
def command(
    invocation: Invocation,
    *,
    endpoint: str | None,
    deployment: str | None,
    auth: str,
    size: str,
    count: int,
    no_traffic: bool,
    keep: bool,
    unchecked: bool,
    python: str | None,
    model: str,
) -> None:
    """First it looks at the model with MLflow's real client, and asks pip whether its environment can be built. Then
    the new deployment starts and answers a sample request made from the model's signature; only then do requests go
    there, and the deployment that answered before goes, if this command made it. Where one of these fails, the traffic
    stays where it was.
    """
    from azmlflow.cli.endpoints.rollout import Wanted, roll_out
    from azmlflow.scoring.asking import Asked

    session = open_session(invocation)
    if session.file.local:
        entering.start(session.project, invocation.say)
    shell = dict(invocation.ports.environment)
    session.enter()
    outputs, arm = session.outputs(), invocation.ports.open_arm()
    workspace = arm.get(outputs.workspace_id)
    if workspace is None:
        raise CliError(f"the workspace {outputs.workspace_name} is gone", next="azmlflow up")
    name, _, asked_for = model.partition(":")
    endpoint = endpoint or default_name(name, outputs.workspace_id)
    version = _version(arm, outputs.workspace_id, name, asked_for)
    _check_names(endpoint, deployment or f"version-{version}")
    _check_settings(session, endpoint, name, version, traffic=not no_traffic)
    _check_rights(arm, outputs.workspace_id)
    deployment = _deployment(arm, f"{outputs.workspace_id}/onlineEndpoints/{endpoint}", deployment, name, version)
    _check_cores(
        arm, workspace, f"{outputs.workspace_id}/onlineEndpoints/{endpoint}/deployments/{deployment}", size, count
    )
    seen = _look(session, name, version, python, shell, check=not unchecked)
    wanted = Wanted(
        outputs.workspace_id, str(workspace["location"]), endpoint, deployment, seen, _AUTH[auth], size, count,
        session.name, traffic=not no_traffic, keep=keep,
    )  # fmt: skip
    stands = roll_out(arm, wanted, invocation.say)
    uri = str(stands.endpoint["properties"]["scoringUri"])
    example = Asked(stands.endpoint, stands.asked.body) if stands.asked is not None and not no_traffic else stands.asked
    invocation.result(
        {
            "endpoint": endpoint,
            "deployment": deployment,
            "model": name,
            "version": version,
            "scoringUri": uri,
            "traffic": stands.endpoint["properties"].get("traffic") or {},
            "sample": stands.asked.body.decode() if stands.asked is not None else None,
            "answer": stands.answer or None,
            "gone": list(stands.gone),
        },
        lambda: "\n".join(
            [
                f"{name}:{version} answers at {uri}",
                *([f"a sample request is answered {stands.answer.strip()[:200]}"] if stands.asked else []),
                *([invocation.as_typed(example.as_curl())] if example else []),
            ]
        ),
    )


def default_name(model: str, workspace: str) -> str:
    """An endpoint's name of a model's: names are a region's, so it also tells the workspace apart."""
    words = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")
    stem = (words if words[:1].isalpha() else f"model-{words}")[:23].rstrip("-")
    return f"{stem}-{hashlib.sha256(workspace.lower().encode()).hexdigest()[:8]}"


def _check_names(endpoint: str, deployment: str) -> None:
    for what, name, type_, typed in (
        ("endpoint", endpoint, ENDPOINT, "azmlflow deploy MODEL --endpoint NAME"),
        ("deployment", deployment, f"{ENDPOINT}/deployments", "azmlflow deploy MODEL --deployment NAME"),
    ):
        if not re.fullmatch(NAMES[type_], name):
            raise CliError(
                f"`{name}` is no name of {'an' if what == 'endpoint' else 'a'} {what}: it has 3 to 32 letters, digits "
                "or single `-`, begins with a letter and ends with a letter or digit",
                next=typed,
            )


def _deployment(arm: ResourceManager, endpoint: str, given: str | None, model: str, version: str) -> str:
    """What the deployment is called. One that answers requests with something else is left as it is: another model in
    its place would have the traffic before it has answered anything."""
    traffic = ((arm.get(endpoint) or {}).get("properties") or {}).get("traffic") or {}
    for name in (given,) if given else (f"version-{version}", deployment_name("", model, version)):
        there = ((arm.get(f"{endpoint}/deployments/{name}") or {}).get("properties") or {}).get("model") or ""
        other = re.sub(r".*/models/(.+)/versions/", r"\1:", there)
        if other in ("", f"{model}:{version}") or (given and not traffic.get(name)):
            return name
    raise CliError(
        f"{endpoint.rpartition('/')[2]}/{name} answers requests with {other}, and would do so with "
        f"{model}:{version} before that has answered anything",
        where=endpoint,
        next=f"azmlflow deploy {model}:{version} --deployment NAME    (one of its own)",
    )


def _check_settings(session: Session, endpoint: str, model: str, version: str, *, traffic: bool) -> None:
    """An endpoint that the settings declare gets its traffic from them: `up` would set back what is moved here."""
    for number, each in enumerate(() if session.project.own_program else session.settings().endpoints):
        if traffic and each.name.lower() == endpoint.lower():
            places = [n for n, deployed in enumerate(each.deployments) if deployed.model == model]
            key = f"endpoints[{number}].deployments[{places[0]}].version" if places else ""
            stack = session.name
            raise CliError(
                f"the endpoint `{endpoint}` is declared in the settings, and `up` gives it its traffic",
                where=str(session.file.path),
                next=f"azmlflow set '{key}' {version} --stack {stack}    (then azmlflow up --stack {stack})"
                if key
                else f"edit Pulumi.{stack}.yaml",
            )


def _check_cores(arm: ResourceManager, workspace: Mapping[str, Any], deployment: str, size: str, count: int) -> None:
    from azmlflow.cli.checks import cores

    there, location = arm.get(deployment) or {}, str(workspace["location"])
    same = str((there.get("properties") or {}).get("instanceType")).lower() == size.lower()
    more = count - int((there.get("sku") or {}).get("capacity") or 1) if same else count
    subscription = scopes.parse(str(workspace["id"])).subscription or ""
    if told := cores.lacking(arm, subscription, location, [(size, more)]):
        raise CliError(
            f"there are no machines for it: {'; '.join(told)}", where=location, next="azmlflow deploy MODEL --size VM"
        )


def _check_rights(arm: ResourceManager, workspace: str) -> None:
    from azmlflow.cli.azure.rights import lacking

    if missing := lacking(arm, workspace, _ACTIONS):
        raise CliError(
            f"you may not deploy here: {', '.join(missing)} is not among your rights",
            where=workspace,
            next="azmlflow grant PRINCIPAL deployer    (by an owner)",
        )


def _version(arm: ResourceManager, workspace: str, name: str, asked_for: str) -> str:
    """The version that is meant, which is there."""
    listed = arm.list(f"{workspace}/models/{name}/versions") if name and "/" not in name else ()
    there = sorted((str(each["name"]) for each in listed), key=lambda each: int(each) if each.isdecimal() else 0)
    if not there:
        raise CliError(
            f"there is no registered model `{name}`",
            where=workspace,
            next=f"register one first: mlflow.<flavor>.log_model(..., registered_model_name={name!r})",
        )
    if not asked_for or asked_for == "latest":
        return there[-1]
    if asked_for not in there:
        raise CliError(
            f"the model `{name}` has no version {asked_for}; its last is {there[-1]}",
            where=workspace,
            next=f"azmlflow deploy {name}:{there[-1]}",
        )
    return asked_for


def _look(
    session: Session, name: str, version: str, python: str | None, shell: Mapping[str, str], *, check: bool
) -> Model:
    """The model as MLflow's client sees it, found fit to be deployed."""
    from azmlflow.cli.endpoints import environment
    from azmlflow.cli.endpoints.model import read
    from azmlflow.cli.proof import child

    say, warn = session.invocation.say, session.invocation.warn
    runner = child.find_python(python, session.project.root, shell, "deploy")
    surroundings = entering.child_environment(session.project, session.file, None, shell)
    surroundings["MLFLOW_TRACKING_URI"] = session.outputs().tracking_uri
    (told,) = child.run(runner, (str(environment.LOOK), name, version), surroundings, "looking at the model")
    if not told["logged"] or not told["function"]:
        what = "MLflow did not log it" if not told["logged"] else "it has no python_function flavor"
        raise CliError(
            f"{name}:{version} cannot be deployed as it is: {what}, so it needs a scoring script and an environment",
            where=f"{name}:{version}",
            next="deploy it by azure-ai-ml, with a CodeConfiguration and an Environment",
        )
    model = read(name, version, told)
    if not model.inputs:
        warn(f"{name}:{version} has no signature: nothing of a request is checked, and there is no sample")
    elif model.sample() is None:
        warn(f"no sample request can be made of the signature of {name}:{version}")
    if model.major is not None and model.major >= 3 and not session.file.local:
        warn(f"{name}:{version} was logged by MLflow {model.mlflow}: Azure's images for MLflow models have MLflow 2")
    if check:
        say("asking pip whether the model's packages fit each other and Azure's inference server")
        if (why := environment.check(runner.path, model, shell)) is not None:
            warn(f"it is not known whether the environment can be built: {why}")
    return model
