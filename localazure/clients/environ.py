"""What a process gets so that Azure's own names lead to the embedded Azure, signed in as one principal.

    reaching it   HTTPS_PROXY and https_proxy (clients differ in which wins) with the proxy's credential; NO_PROXY for
                  loopback and the user's own entries, save those that would take an Azure name past the proxy
    trusting it   REQUESTS_CA_BUNDLE, SSL_CERT_FILE (CURL_CA_BUNDLE where it is set): the user's certificate authorities
                  (certifi's if none) and ours
    signing in    a user by an identity endpoint on loopback; a service principal by the usual variables. Both once more
                  as the official azure-native plugin and azurerm read them (ARM_*): those look for nothing else but az.
                  az has a folder for each principal, where a user is signed in, and the user's own extensions
    temporary     files in a folder of this user's alone: azureml-core's and MLflow's have the same names for everybody
    nothing else  every inherited variable of Azure's sign-in and MLflow's tracking is dropped: an exported client
                  secret would pre-empt the chosen principal, and travel

`AZMLFLOW_CLOUD` marks the process. `AZMLFLOW_OUTER` keeps what the user had in the variables that are overlaid, so that
laying this over itself (`azmlflow run` in a shell set up by `azmlflow env`) starts from the user's own values: our
proxy never becomes "the user's own", nor our bundle a part of the next.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from azmlflow.localazure.clients import az
from azmlflow.localazure.clients.control import Identity, identity_path, who
from azmlflow.localazure.clients.proxy_credential import credential, origin_of
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID, TENANT_ID
from azmlflow.localazure.core.hosts import reaches_azure, without_port
from azmlflow.localazure.machine.errors import LocalError
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.ports import LOOPBACK
from azmlflow.localazure.machine.private import write_private
from azmlflow.reach.records import INTERNET, Origin

MARKER = "AZMLFLOW_CLOUD"
OUTER = "AZMLFLOW_OUTER"
INHERITED_DROPPED = ("AZURE_", "ARM_", "AZUREML_", "MSI_", "IDENTITY_", "MLFLOW_TRACKING_")
OVERLAID = (
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "MLFLOW_DISABLE_TELEMETRY",
    "TMPDIR",
)
_LOOPBACK = ("localhost", LOOPBACK, "::1")
_MORE = "SSL_CERT_DIR"  # folders that OpenSSL looks at beside the bundle; a job's user may not
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class BadEnvironment(LocalError):
    """A variable of the user's own says something impossible."""


class Variables(NamedTuple):
    """A change to an environment: what to set, and the names to unset."""

    set: dict[str, str]
    unset: list[str]


def client_environment(
    state: Path, principal: str, base: Mapping[str, str], *, only_ours: bool = False, origin: Origin | None = None
) -> dict[str, str]:
    """The whole environment of a process that works on the embedded Azure.

    Args:
        state: the state folder; the embedded Azure runs.
        principal: who the process signs in as: sign-in name, mail address, object id or application id.
        base: the environment it starts from, which may be such a one already.
        only_ours: trust our certificate authority alone, so that a request that went astray to the real Azure fails
            in TLS (azmlflow's own clients; the engine).
        origin: from where its requests come; None for where `base` says, or the internet.

    Raises:
        NotRunning: the embedded Azure does not answer.
        UnknownPrincipal: nobody goes by that name.
        BadEnvironment: a bundle that `base` names cannot be read.
    """
    folder = Folder.at(state)
    identity = who(folder, principal)
    clean = outer(base)
    return {
        **clean,
        **_reaching(folder, clean, origin or _inherited(folder, base)),
        **_trusting(folder, clean, only_ours),
        **_signing_in(folder, identity),
        "AZURE_CONFIG_DIR": str(az.signed_in(folder, identity)),
        "AZURE_EXTENSION_DIR": az.extensions(base, ours=MARKER in base),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **({} if only_ours else {"TMPDIR": str(folder.temporary(clean.get("TMPDIR")))}),
        MARKER: f"local:{folder.path}",
        OUTER: json.dumps({name: clean[name] for name in OVERLAID if name in clean}),
    }


def job_environment(
    state: Path, identity: Identity | None, base: Mapping[str, str], users: Mapping[str, str], origin: Origin
) -> dict[str, str]:
    """The environment of a job: the way to the embedded Azure, and of the user's only whom to trust.

    Args:
        state: the state folder.
        identity: the managed identity of the job's cluster, or None: the job can sign in as nobody.
        base: what it starts from.
        users: the daemon's own environment. The user's certificate authorities, without which there is no way out of
            some networks, are taken from it, and nothing else.
        origin: from where its requests come; it can claim no other.

    Raises:
        BadEnvironment: a bundle that `users` names cannot be read.
    """
    folder = Folder.at(state)
    trusted = {name: value for name, value in outer(users).items() if name in (*_BUNDLES, _MORE)}
    return {
        **base,
        **_reaching(folder, {}, origin),
        **_trust(_bundle(folder, trusted, trusted.get(_MORE, "")), trusted),
        **(_at_endpoint(folder, identity) if identity else {}),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
    }


def variables(state: Path, principal: str, base: Mapping[str, str], *, only_ours: bool = False) -> Variables:
    """The same as a change to `base`: what to set in it, and what to unset. Raises what `client_environment` raises."""
    wanted = client_environment(state, principal, base, only_ours=only_ours)
    changed = {name: value for name, value in wanted.items() if base.get(name) != value}
    return Variables(changed, sorted(set(base) - set(wanted)))


def outer(base: Mapping[str, str]) -> dict[str, str]:
    """`base` without an embedded Azure's variables, and without any that this module drops.

    Raises:
        BadEnvironment: `AZMLFLOW_OUTER` is not what we wrote.
    """
    clean = {name: value for name, value in base.items() if not name.startswith(INHERITED_DROPPED)}
    clean.pop(MARKER, None)
    kept = clean.pop(OUTER, None)
    if kept is None:
        return clean
    try:
        users = json.loads(kept)
        if not isinstance(users, dict) or not all(isinstance(value, str) for value in users.values()):
            raise ValueError("not a mapping of texts")
    except ValueError as error:
        raise BadEnvironment(
            "the variables of the embedded Azure were altered", where=OUTER, next="open a new shell"
        ) from error
    for name in OVERLAID:
        clean.pop(name, None)
    return clean | {name: value for name, value in users.items() if name in OVERLAID}


def daemon_environment(base: Mapping[str, str]) -> dict[str, str]:
    """The environment of the embedded Azure's own process: the user's, with the user's own proxy and authorities.

    Raises:
        BadEnvironment: see `outer`.
    """
    return {
        name: value for name, value in outer(base).items() if not name.startswith(("PYTHON", "MLFLOW_", "UVICORN_"))
    }


def _reaching(folder: Folder, clean: Mapping[str, str], origin: Origin) -> dict[str, str]:
    user, password = credential(folder.secrets().proxy, origin)
    proxy = f"http://{user}:{password}@{LOOPBACK}:{folder.ports().proxy}"
    own = f"{clean.get('no_proxy', '')},{clean.get('NO_PROXY', '')}".split(",")
    kept = [entry.strip() for entry in own if entry.strip() and not _takes_azure(entry)]
    bypass = ",".join(dict.fromkeys([*_LOOPBACK, *kept]))
    return {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": bypass, "no_proxy": bypass}


def _inherited(folder: Folder, base: Mapping[str, str]) -> Origin:
    """From where the requests of an environment come that is set up already; else the internet."""
    try:
        parts = urlsplit(base.get("HTTPS_PROXY", ""))
        user, password = (parts.username or "").encode(), (parts.password or "").encode()
    except ValueError:
        return INTERNET
    return origin_of(folder.secrets().proxy, user, password) or INTERNET


def _takes_azure(entry: str) -> bool:
    """Whether a NO_PROXY entry would take one of Azure's names past the proxy."""
    domain = without_port(entry).removeprefix("*").removeprefix(".")
    return not domain or reaches_azure(domain)


def _trusting(folder: Folder, clean: Mapping[str, str], only_ours: bool) -> dict[str, str]:
    if only_ours:
        # OpenSSL and Go read a folder of authorities beside the file, unless they are sent to an empty one.
        nothing = folder.path / "no-authorities"
        nothing.mkdir(exist_ok=True)
        return {**_trust(folder.ca, clean), "SSL_CERT_DIR": str(nothing)}
    return _trust(_bundle(folder, clean), clean)


def _trust(path: Path, clean: Mapping[str, str]) -> dict[str, str]:
    # curl reads SSL_CERT_FILE, but CURL_CA_BUNDLE first: that one only matters where the user has it.
    names = [name for name in _BUNDLES if name != "CURL_CA_BUNDLE" or clean.get(name)]
    return dict.fromkeys(names, str(path))


def _bundle(folder: Folder, clean: Mapping[str, str], more: str = "") -> Path:
    """The bundle of what the user trusts and us; `more`: folders of further certificates, as SSL_CERT_DIR has them."""
    users = {name: Path(clean[name]) for name in _BUNDLES if clean.get(name)}
    for name, path in users.items():
        if not path.exists():
            raise BadEnvironment(f"{name} names a file that is not there", where=str(path), next=f"unset {name}")
    trusted = list(users.values())
    if not trusted:
        import certifi

        trusted.append(Path(certifi.where()))
    trusted += [Path(path) for path in more.split(os.pathsep) if path and Path(path).is_dir()]
    return _bundled(folder, tuple(dict.fromkeys(trusted)))


def _bundled(folder: Folder, users: tuple[Path, ...]) -> Path:
    """A file with the certificates of the user's files or folders and ours, named by its content: two shells with
    different ones do not clash."""
    certificates = b"\n".join([*(_certificates(path) for path in users), folder.ca.read_bytes()])
    path = folder.path / "bundles" / f"{hashlib.sha256(certificates).hexdigest()[:16]}.pem"
    if not path.exists():
        path.parent.mkdir(exist_ok=True, mode=0o700)
        write_private(path, certificates)
    return path


def _certificates(path: Path) -> bytes:
    if not path.is_dir():
        return path.read_bytes()
    contents = (file.read_bytes() for file in sorted(path.iterdir()) if file.is_file())
    return b"\n".join(content for content in contents if b"-----BEGIN CERTIFICATE-----" in content)


def _signing_in(folder: Folder, identity: Identity) -> dict[str, str]:
    if identity.app_id is not None:
        secret = folder.secrets().client_secret(identity.app_id)
        return {
            "AZURE_TENANT_ID": TENANT_ID,
            "AZURE_CLIENT_ID": identity.app_id,
            "AZURE_CLIENT_SECRET": secret,
            "AZUREML_SERVICE_PRINCIPAL_TENANT_ID": TENANT_ID,
            "AZUREML_SERVICE_PRINCIPAL_ID": identity.app_id,
            "AZUREML_SERVICE_PRINCIPAL_PASSWORD": secret,
            "ARM_TENANT_ID": TENANT_ID,
            "ARM_SUBSCRIPTION_ID": SUBSCRIPTION_ID,
            "ARM_CLIENT_ID": identity.app_id,
            "ARM_CLIENT_SECRET": secret,
        }
    at_endpoint = _at_endpoint(folder, identity)
    # Without ARM_MSI_ENDPOINT, azurerm asks a virtual machine's address, which nobody answers here.
    return {
        **at_endpoint,
        "ARM_USE_MSI": "true",
        "ARM_MSI_ENDPOINT": at_endpoint["MSI_ENDPOINT"],
        "ARM_TENANT_ID": TENANT_ID,
        "ARM_SUBSCRIPTION_ID": SUBSCRIPTION_ID,
    }


def _at_endpoint(folder: Folder, identity: Identity) -> dict[str, str]:
    address = identity_path(folder, identity.id)
    endpoint = f"http://{LOOPBACK}:{folder.ports().identity}{address}/msi/token"
    return {
        "IDENTITY_ENDPOINT": endpoint,
        "IDENTITY_HEADER": address.rpartition(".")[2],
        "MSI_ENDPOINT": endpoint,  # SDK v1 (azureml-core); it needs no MSI_SECRET outside App Service
    }
