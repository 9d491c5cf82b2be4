"""Checks of this machine: engine, plugin, the data scientist's packages, config.json, certificates."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from azmlflow.cli.checks.base import Check, Finding, Situation
from azmlflow.cli.project import config_json
from azmlflow.cli.pulumi import engine, sdk

_ASK_PACKAGES = """
import importlib.metadata, json, sys
found = {}
for name in ("mlflow", "mlflow-skinny", "azureml-mlflow", "pandas"):
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps({"prefix": sys.prefix, "found": found}))
"""
# azureml-mlflow 1.62 itself asks for mlflow-skinny<=3.15; MLflow 3 asks for /logged-models, which Azure ML lacks.
_NEWEST, _SERVED = (3, 15), (3, 0)
# MLflow 2 asks for pandas<3; mlflow-skinny does not, but the models that it logs ask for the whole MLflow.
_TOO_NEW = (3, 0)


def _engine(situation: Situation) -> Finding:
    found = engine.present(situation.environment)
    wanted = ".".join(map(str, engine.MINIMUM))
    if found is None:
        return Finding("failed", f"no Pulumi engine of at least {wanted} is here")
    return Finding("ok", f"Pulumi {found.version} ({found.source}: {found.command})")


def _get_engine(situation: Situation) -> None:
    engine.ensure(situation.environment, situation.session.invocation.say)


def _plugin_home(situation: Situation) -> Path:
    if situation.session.file.local:
        return situation.session.project.pulumi_home
    home = situation.environment.get("HOME") or str(Path.home())
    return Path(situation.environment.get("PULUMI_HOME") or Path(home) / ".pulumi")


def _plugin(situation: Situation) -> Finding:
    from azmlflow.cli.local import entering

    version, local = sdk.azure_native_version(), situation.session.file.local
    folder = _plugin_home(situation) / "plugins" / f"resource-azure-native-v{version}"
    binary = folder / "pulumi-resource-azure-native"
    official = binary.is_symlink()
    meant = not local or official is bool(situation.environment.get(entering.OFFICIAL))
    if binary.is_file() and meant:
        which = f": the official one in {binary.resolve().parent}" if local and official else ""
        return Finding("ok", f"azure-native {version}, as the program asks for{which}")
    if local:
        return Finding("warning", f"azure-native {version} is not in place; `up` puts it there")
    return Finding("warning", f"azure-native {version} is not in {folder.parent}; the engine gets it at the first `up`")


def _put_plugin(situation: Situation) -> None:
    from azmlflow.cli.local import entering

    if situation.session.file.local:
        entering.prepare_pulumi(situation.session.project, situation.environment)
        return
    found = engine.ensure(situation.environment, situation.session.invocation.say)
    words = [str(found.command), "plugin", "install", "resource", "azure-native", sdk.azure_native_version()]
    subprocess.run(words, check=False, env=dict(situation.environment), stdout=subprocess.DEVNULL)


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:2]
    return tuple(int(part) if part.isdecimal() else 0 for part in parts)


def judge_packages(found: Mapping[str, str]) -> Finding:
    """Whether Azure ML serves these versions of MLflow and its plugin."""
    mlflow = found.get("mlflow") or found.get("mlflow-skinny")
    plugin = found.get("azureml-mlflow")
    if mlflow is None and plugin is None:
        return Finding("skipped", "no MLflow is installed there")
    if mlflow is None or plugin is None:
        lacking = (
            "mlflow-skinny" if mlflow is None else "azureml-mlflow, so that azureml:// addresses are unknown to it"
        )
        return Finding("failed", f"the environment lacks {lacking}")
    told = f"MLflow {mlflow} with azureml-mlflow {plugin}"
    if _numbers(mlflow) > _NEWEST:
        return Finding("failed", f"{told}: the plugin takes MLflow up to {'.'.join(map(str, _NEWEST))}")
    if _numbers(mlflow) >= _SERVED:
        return Finding("warning", f"{told}: Azure ML has no `logged-models`, which MLflow 3 asks for with models")
    pandas = found.get("pandas", "")
    if _numbers(pandas) >= _TOO_NEW:
        says = f"{told} and pandas {pandas}: a model that you log asks for both, and can be built nowhere"
        return Finding("warning", says, 'pip install "pandas<3"')
    return Finding("ok", told)


def _packages(situation: Situation) -> Finding:
    command = situation.python or shutil.which("python3", path=situation.environment.get("PATH"))
    if command is None:
        return Finding("skipped", "no python3 on PATH; name one: azmlflow doctor --python PATH")
    try:
        done = subprocess.run(
            [command, "-c", _ASK_PACKAGES],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=dict(situation.environment),
        )
        answer = json.loads(done.stdout)
    except subprocess.CalledProcessError as fault:
        return Finding("failed", f"{command} is no Python that works: it ends with exit code {fault.returncode}")
    except (OSError, subprocess.SubprocessError, ValueError) as fault:
        return Finding("failed", f"{command} does not run: {type(fault).__name__}")
    if Path(answer["prefix"]).resolve() == Path(sys.prefix).resolve() and situation.python is None:
        return Finding("skipped", "python3 on PATH is azmlflow's own; name yours: azmlflow doctor --python PATH")
    return judge_packages(answer["found"])


def _config(situation: Situation) -> Finding:
    path = situation.session.project.root / config_json.DEFAULT
    other = config_json.shadow(path, Path.cwd())
    if other is None:
        return Finding("ok", "none is in the way")
    return Finding("warning", f"{other} is found before {path}", f"cat {other}    (and move it away)")


def _trust(situation: Situation) -> Finding:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        value = situation.environment.get(name)
        if value and not os.access(value, os.R_OK):
            return Finding("failed", f"{name} names {value}, which cannot be read", f"unset {name}")
    if not situation.session.file.local:
        return Finding("ok", "the system's own certificates, or those that your variables name")
    from cryptography import x509

    from azmlflow.localazure.machine.folder import Folder

    path = Folder.at(situation.session.project.local).ca
    if not path.exists():
        return Finding("skipped", "the embedded Azure has not been started yet")
    left = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc - datetime.now(UTC)
    if left < timedelta():
        return Finding("failed", "the embedded Azure's certificate has expired")
    return Finding("ok", f"the embedded Azure's authority, good for {left.days} days")


CHECKS = (
    Check("engine", "Is a Pulumi engine here, and recent enough?", _engine, "make engine", _get_engine, cloud=False),
    Check("plugin", "Is the azure-native plugin in place?", _plugin, "azmlflow up --stack {stack}", _put_plugin, False),
    Check(
        "packages",
        "Does Azure ML serve the MLflow in your environment?",
        _packages,
        'pip install azureml-mlflow "mlflow-skinny>=2.22,<3"',
        cloud=False,
    ),
    Check("config.json", "Does another config.json shadow this stack's?", _config, cloud=False),
    Check(
        "certificates",
        "Can TLS certificates be checked?",
        _trust,
        "azmlflow local stop --stack {stack} && azmlflow local start --stack {stack}",
        cloud=False,
    ),
)
