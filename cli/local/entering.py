"""Entering a cloud: what this process and its children need to talk to the stack's Azure.

On Azure nothing is done: the user's own sign-in and Pulumi backend serve. On the embedded Azure it is started if it
isn't running, and this process takes on the environment of the developer, trusting only the embedded Azure's own
authority. Here is the one place where azmlflow changes its own environment; after it, azure-identity, azure-core and
the engine work the same on both clouds.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import re
import secrets
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import (
    Project,
    StackFile,
    make_state,
    read_stack,
    refuse_mixed_clouds,
    write_atomically,
)
from azmlflow.cli.project.settings_file import editing
from azmlflow.localazure.core.constants import DEVELOPER
from azmlflow.localazure.machine.shortage import remedy
from azmlflow.reach.records import Origin

# Path of an official azure-native plugin, or of its folder, for local stacks to use.
OFFICIAL = "AZMLFLOW_AZURE_NATIVE"

# The packages of the extra `local` that it starts with.
_MADE_OF = ("starlette", "uvicorn", "aiohttp", "h11", "cryptography", "jwt", "mlflow", "graphql")

# Another backend, passphrase or stack in the user's shell would win over ours.
_PULUMI_DROPPED = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN", "PULUMI_STACK", "PULUMI_BACKEND_URL")


def enter(
    project: Project, stack: StackFile, environment: MutableMapping[str, str], say: Callable[[str], None]
) -> None:
    """Make `environment` (this process's own) point at the stack's cloud.

    Raises:
        CliError: an Azure stack in a shell that points at the embedded Azure.
        Typed errors of localazure: it cannot be started (a port is taken, ...).
    """
    refuse_mixed_clouds(stack, environment)
    if not stack.local:
        return
    start(project, say)
    from azmlflow.localazure.clients import environ

    wanted = environ.client_environment(project.local, DEVELOPER, dict(environment), only_ours=True)
    for name in _PULUMI_DROPPED:
        wanted.pop(name, None)
    wanted.update(pulumi_variables(project))
    for name in set(environment) - set(wanted):
        del environment[name]
    environment.update(wanted)


def start(project: Project, say: Callable[[str], None], latency: str | None = None) -> None:
    """Start the embedded Azure unless it runs.

    Raises:
        CliError: it runs with another latency than the one asked for.
    """
    refuse_here()
    from azmlflow.localazure.process import daemon

    make_state(project)
    running = daemon.status(project.local) if latency else None
    if running is not None and running.latency != latency:
        raise CliError(
            f"the embedded Azure runs already, with the latency `{running.latency}`, and keeps it",
            where=str(project.local),
            next=f"azmlflow local stop, then azmlflow local start --latency {latency}",
        )
    daemon.start(project.local, latency or "none", on_progress=say)


def refuse_here(platform: str = sys.platform) -> None:
    """Refuse the embedded Azure where it cannot run.

    Raises:
        CliError: on Windows, or where what it is made of is not installed.
    """
    if platform == "win32":
        raise CliError(
            "the embedded Azure runs on Linux and macOS; on Windows it wants WSL (stacks on Azure need neither)",
            next="wsl --install    (then install azmlflow in it, and type the command there)",
        )
    if lacking := [name for name in _MADE_OF if importlib.util.find_spec(name) is None]:
        raise CliError(
            f"the embedded Azure is not installed here: {', '.join(lacking)} is missing",
            where=sys.prefix,
            next="python -m pip install 'azmlflow[local]'",
        )


def running(project: Project) -> bool:
    """Does the embedded Azure run?"""
    if sys.platform == "win32":
        return False
    from azmlflow.localazure.process import daemon

    return project.local.exists() and daemon.status(project.local) is not None


def remember_interpreter(project: Project, words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Have jobs of the embedded Azure run with the Python that a command line begins with, if it does."""
    from azmlflow.localazure.runner.interpreter import remember

    remember(project.local, words, environment)


def pulumi_variables(project: Project) -> dict[str, str]:
    """What Pulumi needs for a local stack: a home, a backend and a passphrase of the checkout's own, a subscription."""
    from azmlflow.localazure.core.constants import SUBSCRIPTION_ID

    return {
        "ARM_SUBSCRIPTION_ID": SUBSCRIPTION_ID,
        "PULUMI_HOME": str(project.pulumi_home),
        "PULUMI_BACKEND_URL": project.backend_url,
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(project.passphrase),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def prepare_pulumi(project: Project, environment: Mapping[str, str]) -> None:
    """Make the home, the backend and the passphrase, and put the azure-native plugin in place.

    Args:
        project: the checkout.
        environment: may name the official plugin, which then takes the place of ours (`OFFICIAL`).

    Raises:
        CliError: a folder or file cannot be written.
        InstallError: the plugin cannot be put in place.
    """
    make_state(project)
    try:
        for folder in (project.pulumi_home, project.backend):
            folder.mkdir(exist_ok=True)
    except OSError as fault:
        raise CliError(
            f"cannot make a folder: {fault.strerror}",
            where=str(fault.filename),
            next=remedy(fault, f"ls -ld {project.root}"),
        ) from fault
    _make_passphrase(project)
    from azmlflow.cli.pulumi.sdk import azure_native_version
    from azmlflow.localazure.plugin.install import install

    official = environment.get(OFFICIAL)
    install(project.pulumi_home, azure_native_version(), Path(official) if official else None)


def _make_passphrase(project: Project) -> None:
    """Of two that begin at once the first one's stays: its engine may have read it."""
    if project.passphrase.exists():
        return
    with editing(project):
        if not project.passphrase.exists():
            write_atomically(project.passphrase, secrets.token_urlsafe(32) + "\n", mode=0o600)


def plugins(
    project: Project, environment: Mapping[str, str]
) -> Callable[[], AbstractContextManager[Mapping[str, str]]]:
    """What serves the engine of a local stack: our plugin, in this process, wherever nothing speaks against it.

    The official plugin is a program of its own, and a program of the user's own may configure more than one provider.
    """
    if project.own_program or environment.get(OFFICIAL):
        return lambda: contextlib.nullcontext({})

    def serving() -> AbstractContextManager[Mapping[str, str]]:
        from azmlflow.localazure.plugin.attached import attached  # brings Pulumi's SDK, which most commands do without

        return attached(environment)

    return serving


def set_lost_state_aside(project: Project) -> None:
    """A passphrase that is gone opens nothing any more: local stacks begin a new state, and the old one is kept aside.

    So that `rm -rf .azmlflow`, whole or in part, leaves no stack that cannot be stood up again: `up` finds what stands
    on the embedded Azure by its tags, and takes it over. A command that begins beside this one makes the passphrase
    before its state, and not while this one looks.
    """
    if project.passphrase.exists():
        return
    with editing(project):
        if not project.passphrase.exists():
            set_state_aside(project)


def set_state_aside(project: Project) -> Path | None:
    """Have local stacks begin a new state, whatever passphrase there is; where the old one is kept."""
    for name in project.stacks():
        path = project.settings_path(name)
        if read_stack(project, name).local:
            text = path.read_text(encoding="utf-8")
            without = re.sub(r"^encryptionsalt:.*\n?", "", text, flags=re.MULTILINE)
            if without != text:
                write_atomically(path, without)
    if not any(project.backend.rglob("*.json")):
        return None
    aside = next(
        path for number in itertools.count(1) if not (path := project.backend.with_name(f"backend-{number}")).exists()
    )
    project.backend.rename(aside)
    return aside


def interpreter_folder() -> Path:
    """The folder of the interpreter that runs azmlflow: the language host takes the first `python3` on PATH."""
    return Path(sys.executable).parent


def child_environment(
    project: Project,
    stack: StackFile,
    principal: str | None,
    environment: Mapping[str, str],
    origin: Origin | None = None,
) -> dict[str, str]:
    """The environment for a user's command.

    Args:
        project: the checkout.
        stack: the stack that the command works on.
        principal: who the command signs in as: user name or object id; None for the developer (local) or yourself.
        environment: what it starts from.
        origin: from where its requests come; None for where this process comes from.

    Raises:
        CliError: `principal` or `origin` on Azure, where nobody can sign in as somebody else, or come from elsewhere.
    """
    if not stack.local:
        if origin is not None:
            raise CliError(
                f"stack `{stack.name}` is on Azure, where a request comes from where it is sent",
                next=f"azmlflow reach --stack {stack.name}    (who reaches what; then run it there)",
            )
        if principal:
            raise CliError(
                f"stack `{stack.name}` is on Azure, where nobody can sign in as `{principal}` for them",
                next="drop --as, or sign in as them: az login",
            )
        refuse_mixed_clouds(stack, environment)
        return dict(environment)
    from azmlflow.localazure.clients import environ

    base = {name: value for name, value in environment.items() if not name.startswith("PULUMI_")}
    return environ.client_environment(project.local, principal or DEVELOPER, base, origin=origin)
