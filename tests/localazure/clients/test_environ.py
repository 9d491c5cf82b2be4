"""What a process gets, computed over a folder whose daemon is a small identity endpoint of the test's."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import certifi
import pytest

from azmlflow.localazure.clients import environ
from azmlflow.localazure.clients.control import NotRunning, UnknownPrincipal
from azmlflow.localazure.clients.environ import (
    BadEnvironment,
    client_environment,
    job_environment,
    outer,
    variables,
)
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID, TENANT_ID
from azmlflow.localazure.machine.folder import Folder
from azmlflow.reach.records import INTERNET, Origin

COMPUTE = Origin("managed", "/subscriptions/s/resourceGroups/g/providers/p/workspaces/w")
PEOPLE = {
    "alice@local.test": {
        "id": "a-1",
        "kind": "User",
        "displayName": "alice",
        "userPrincipalName": "alice@local.test",
        "appId": None,
    },
    "bob@local.test": {
        "id": "b-1",
        "kind": "User",
        "displayName": "bob",
        "userPrincipalName": "bob@local.test",
        "appId": None,
    },
    "app-1": {
        "id": "s-1",
        "kind": "ServicePrincipal",
        "displayName": "pipeline",
        "userPrincipalName": None,
        "appId": "app-1",
    },
}
OURS = "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder.at(tmp_path / "state")
    made.make()
    made.ca.write_text(OURS)

    class Identity(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reference, _, mark = unquote(self.path.split("/")[1]).rpartition(".")
            found = PEOPLE.get(reference) if mark == made.secrets().identity_mark(reference) else None
            body = json.dumps(found or {"error": "principal_not_found"}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", made.ports().identity), Identity) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        server.shutdown()
        thread.join(10)
        assert not thread.is_alive()


def test_a_user_gets_proxy_trust_and_identity(folder: Folder) -> None:
    got = client_environment(
        folder.path, "alice@local.test", {"PATH": "/bin", "HOME": "/home/x", "TMPDIR": "/no/such/folder"}
    )
    secrets, ports = folder.secrets(), folder.ports()
    mark = secrets.identity_mark("a-1")
    endpoint = f"http://127.0.0.1:{ports.identity}/a-1.{mark}/msi/token"
    proxy = f"http://azmlflow:{secrets.proxy}@127.0.0.1:{ports.proxy}"
    bundle = got["REQUESTS_CA_BUNDLE"]
    assert got == {
        "PATH": "/bin",
        "HOME": "/home/x",
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "no_proxy": "localhost,127.0.0.1,::1",
        "REQUESTS_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
        "IDENTITY_ENDPOINT": endpoint,
        "IDENTITY_HEADER": mark,
        "MSI_ENDPOINT": endpoint,
        "ARM_USE_MSI": "true",
        "ARM_MSI_ENDPOINT": endpoint,
        "ARM_TENANT_ID": TENANT_ID,
        "ARM_SUBSCRIPTION_ID": SUBSCRIPTION_ID,
        "AZURE_CONFIG_DIR": str(folder.path / "azure-cli" / "a-1"),
        "AZURE_EXTENSION_DIR": "/home/x/.azure/cliextensions",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "TMPDIR": str(folder.path / "tmp"),
        "AZMLFLOW_CLOUD": f"local:{folder.path}",
        "AZMLFLOW_OUTER": json.dumps({"TMPDIR": "/no/such/folder"}),
    }
    assert Path(bundle).read_bytes() == Path(certifi.where()).read_bytes() + b"\n" + OURS.encode()
    assert len(mark) == 64
    assert len(secrets.proxy) == 64


def test_a_service_principal_gets_its_variables(folder: Folder) -> None:
    got = client_environment(folder.path, "app-1", {"HOME": "/home/x"})
    secret = folder.secrets().client_secret("app-1")
    assert {
        name: value for name, value in got.items() if name.startswith(("AZURE_", "AZUREML_", "ARM_", "IDENTITY", "MSI"))
    } == {
        "AZURE_TENANT_ID": TENANT_ID,
        "AZURE_CLIENT_ID": "app-1",
        "AZURE_CLIENT_SECRET": secret,
        "AZUREML_SERVICE_PRINCIPAL_TENANT_ID": TENANT_ID,
        "AZUREML_SERVICE_PRINCIPAL_ID": "app-1",
        "AZUREML_SERVICE_PRINCIPAL_PASSWORD": secret,
        "ARM_TENANT_ID": TENANT_ID,
        "ARM_SUBSCRIPTION_ID": SUBSCRIPTION_ID,
        "ARM_CLIENT_ID": "app-1",
        "ARM_CLIENT_SECRET": secret,
        "AZURE_CONFIG_DIR": str(folder.path / "azure-cli" / "s-1"),
        "AZURE_EXTENSION_DIR": "/home/x/.azure/cliextensions",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
    }


def test_az_finds_a_user_signed_in_and_no_secret_is_written(folder: Folder) -> None:
    place = Path(client_environment(folder.path, "alice@local.test", {})["AZURE_CONFIG_DIR"])
    profile = place / "azureProfile.json"
    assert (profile.stat().st_mode & 0o777, place.stat().st_mode & 0o777) == (0o600, 0o700)
    (subscription,) = json.loads(profile.read_text())["subscriptions"]
    # As azure-cli 2.91 writes it after `az login --identity`.
    assert subscription == {
        "environmentName": "AzureCloud",
        "homeTenantId": "10ca1000-0000-4000-8000-000000000001",
        "id": "10ca1000-0000-4000-8000-000000000002",
        "isDefault": True,
        "managedByTenants": [],
        "name": "azmlflow local",
        "state": "Enabled",
        "tenantId": "10ca1000-0000-4000-8000-000000000001",
        "user": {"assignedIdentityInfo": "MSI", "name": "systemAssignedIdentity", "type": "servicePrincipal"},
    }
    profile.write_text('{"subscriptions": []}')  # `az logout`
    client_environment(folder.path, "alice@local.test", {})
    assert profile.read_text() == '{"subscriptions": []}'
    assert not Path(client_environment(folder.path, "app-1", {})["AZURE_CONFIG_DIR"]).exists()


@pytest.mark.parametrize(
    ("base", "found"),
    [
        ({"HOME": "/home/x"}, "/home/x/.azure/cliextensions"),
        ({"HOME": "/home/x", "AZURE_CONFIG_DIR": "/az"}, "/az/cliextensions"),
        ({"HOME": "/home/x", "AZURE_CONFIG_DIR": "/az", "AZURE_EXTENSION_DIR": "/ext"}, "/ext"),
    ],
)
def test_az_finds_the_users_own_extensions(folder: Folder, base: dict[str, str], found: str) -> None:
    got = client_environment(folder.path, "alice@local.test", base)
    assert got["AZURE_EXTENSION_DIR"] == found
    assert client_environment(folder.path, "bob@local.test", got)["AZURE_EXTENSION_DIR"] == found
    older = {name: value for name, value in got.items() if name != "AZURE_EXTENSION_DIR"}
    assert client_environment(folder.path, "bob@local.test", older)["AZURE_EXTENSION_DIR"] == (
        "/home/x/.azure/cliextensions"
    )


@pytest.mark.parametrize(
    "name",
    [
        "AZURE_CLIENT_SECRET",
        "AZURE_TENANT_ID",
        "ARM_CLIENT_ID",
        "ARM_USE_OIDC",
        "AZUREML_RUN_ID",
        "MSI_SECRET",
        "IDENTITY_SERVER_THUMBPRINT",
        "MLFLOW_TRACKING_URI",
        "MLFLOW_TRACKING_TOKEN",
    ],
)
def test_inherited_sign_in_is_dropped(folder: Folder, name: str) -> None:
    assert name not in client_environment(folder.path, "alice@local.test", {name: "x"})
    change = variables(folder.path, "alice@local.test", {name: "x"})
    assert change.unset == [name]


def test_a_subscription_of_the_users_own_gives_way(folder: Folder) -> None:
    change = variables(folder.path, "alice@local.test", {"ARM_SUBSCRIPTION_ID": "x"})
    assert (change.set["ARM_SUBSCRIPTION_ID"], change.unset) == (SUBSCRIPTION_ID, [])


def test_names_that_only_look_alike_stay(folder: Folder) -> None:
    base = {"AZURE": "x", "MLFLOW_EXPERIMENT_NAME": "x", "ALARM_X": "x", "HTTP_PROXY": "http://p"}
    assert client_environment(folder.path, "alice@local.test", base).items() >= base.items()


@pytest.mark.parametrize(
    ("entry", "kept"),
    [
        ("internal.example", True),
        (".corp.example", True),
        ("10.0.0.0/8", True),
        ("*", False),
        ("management.azure.com", False),
        ("management.azure.com:443", False),
        (".azure.com", False),
        ("*.blob.core.windows.net", False),
        ("core.windows.net", False),
        ("windows.net", False),
        ("myaccount.blob.core.windows.net", False),
        (".com", False),
        ("com", False),
        ("microsoft.com", False),
        ("AZUREML.MS", False),
        ("notazure.com", True),
        ("dev.azure.com", True),
    ],
)
def test_no_proxy_keeps_what_is_not_azures(folder: Folder, entry: str, kept: bool) -> None:
    got = client_environment(folder.path, "alice@local.test", {"no_proxy": f"first.example, {entry}"})
    assert got["NO_PROXY"] == got["no_proxy"]
    entries = got["NO_PROXY"].split(",")
    assert entries[:4] == ["localhost", "127.0.0.1", "::1", "first.example"]
    assert (entry in entries) is kept


def test_the_users_own_authorities_stay_trusted(folder: Folder, tmp_path: Path) -> None:
    company, second = tmp_path / "company.pem", tmp_path / "folder"
    company.write_text("company")
    second.mkdir()
    (second / "a.0").write_text("-----BEGIN CERTIFICATE-----\nhashed")
    (second / "README").write_text("no certificate")
    base = {"REQUESTS_CA_BUNDLE": str(company), "SSL_CERT_FILE": str(second)}
    got = client_environment(folder.path, "alice@local.test", base)
    content = Path(got["SSL_CERT_FILE"]).read_text()
    assert content == f"company\n-----BEGIN CERTIFICATE-----\nhashed\n{OURS}"
    other = client_environment(folder.path, "alice@local.test", {"SSL_CERT_FILE": str(company)})
    assert other["SSL_CERT_FILE"] != got["SSL_CERT_FILE"]
    assert Path(got["SSL_CERT_FILE"]).stat().st_mode & 0o777 == 0o600


def test_only_ours(folder: Folder) -> None:
    got = client_environment(folder.path, "alice@local.test", {"SSL_CERT_DIR": "/etc/ssl/certs"}, only_ours=True)
    assert got["REQUESTS_CA_BUNDLE"] == got["SSL_CERT_FILE"] == str(folder.ca)
    assert list(Path(got["SSL_CERT_DIR"]).iterdir()) == []
    back = client_environment(folder.path, "alice@local.test", got)
    assert back["SSL_CERT_DIR"] == "/etc/ssl/certs"
    assert back["SSL_CERT_FILE"] != str(folder.ca)


def test_curls_own_variable_is_overlaid_where_it_is_set(folder: Folder, tmp_path: Path) -> None:
    company = tmp_path / "company.pem"
    company.write_text("company")
    base = {"CURL_CA_BUNDLE": str(company)}
    got = client_environment(folder.path, "alice@local.test", base)
    assert got["CURL_CA_BUNDLE"] == got["REQUESTS_CA_BUNDLE"]
    assert Path(got["CURL_CA_BUNDLE"]).read_text() == f"company\n{OURS}"
    assert outer(got) == base
    only = client_environment(folder.path, "alice@local.test", base, only_ours=True)
    assert only["CURL_CA_BUNDLE"] == str(folder.ca)


def test_a_job_trusts_whom_the_user_trusts(folder: Folder, tmp_path: Path) -> None:
    """Without the user's own authorities there is no way out of some networks."""
    company, more = tmp_path / "company.pem", tmp_path / "more"
    company.write_text("company")
    more.mkdir()
    (more / "a.0").write_text("-----BEGIN CERTIFICATE-----\nhashed")
    users = {"SSL_CERT_FILE": str(company), "SSL_CERT_DIR": f"{more}:/no/such", "HTTP_PROXY": "http://theirs"}
    got = job_environment(folder.path, None, {"MINE": "1"}, users, COMPUTE)
    assert Path(got["SSL_CERT_FILE"]).read_text() == f"company\n-----BEGIN CERTIFICATE-----\nhashed\n{OURS}"
    assert got["REQUESTS_CA_BUNDLE"] == got["SSL_CERT_FILE"]
    assert not {"HTTP_PROXY", "SSL_CERT_DIR"} & set(got)
    assert got["HTTPS_PROXY"].startswith("http://azmlflow.") and folder.secrets().proxy not in str(got)
    usual = job_environment(folder.path, None, {}, {}, COMPUTE)
    assert Path(usual["SSL_CERT_FILE"]).read_text().count("BEGIN CERTIFICATE") > 50


def test_an_origin_is_handed_on_until_another_is_named(folder: Folder) -> None:
    network = Origin("network", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v")
    once = client_environment(folder.path, "alice@local.test", {}, origin=network)
    again = client_environment(folder.path, "bob@local.test", once)
    assert again["HTTPS_PROXY"] == once["HTTPS_PROXY"] != client_environment(folder.path, "app-1", {})["HTTPS_PROXY"]
    back = client_environment(folder.path, "bob@local.test", once, origin=INTERNET)
    assert back["HTTPS_PROXY"] == client_environment(folder.path, "app-1", {})["HTTPS_PROXY"]
    theirs = {"HTTPS_PROXY": "http://azmlflow.bmV0d29yazov:guess@127.0.0.1:1"}
    assert client_environment(folder.path, "app-1", theirs)["HTTPS_PROXY"] == back["HTTPS_PROXY"]


def test_a_bundle_that_is_not_there_is_an_error(folder: Folder) -> None:
    with pytest.raises(BadEnvironment) as bad:
        client_environment(folder.path, "alice@local.test", {"SSL_CERT_FILE": "/no/such.pem"})
    assert (bad.value.where, bad.value.next) == ("/no/such.pem", "unset SSL_CERT_FILE")


def test_laid_over_itself_it_is_the_same(folder: Folder, tmp_path: Path) -> None:
    company = tmp_path / "company.pem"
    company.write_text("company")
    base = {
        "PATH": "/bin",
        "https_proxy": "http://me:secret@proxy.example:3128",
        "NO_PROXY": "internal.example",
        "REQUESTS_CA_BUNDLE": str(company),
        "AZURE_CLIENT_SECRET": "x",
    }
    once = client_environment(folder.path, "alice@local.test", base)
    assert client_environment(folder.path, "alice@local.test", once) == once
    as_bob = client_environment(folder.path, "bob@local.test", once)
    assert as_bob == client_environment(folder.path, "bob@local.test", base)
    users = {name: value for name, value in base.items() if name != "AZURE_CLIENT_SECRET"}
    assert outer(once) == outer(base) == users
    assert "AZURE_CLIENT_SECRET" not in once["AZMLFLOW_OUTER"]


def test_from_a_service_principal_to_a_user_nothing_is_left(folder: Folder) -> None:
    first = client_environment(folder.path, "app-1", {})
    assert "AZURE_CLIENT_SECRET" not in client_environment(folder.path, "alice@local.test", first)
    assert "AZURE_CLIENT_SECRET" in variables(folder.path, "alice@local.test", first).unset


def test_variables_are_the_change(folder: Folder) -> None:
    base = {"PATH": "/bin", "MSI_SECRET": "x"}
    change = variables(folder.path, "alice@local.test", base)
    applied = {name: value for name, value in {**base, **change.set}.items() if name not in change.unset}
    assert applied == client_environment(folder.path, "alice@local.test", base)
    assert "PATH" not in change.set
    assert variables(folder.path, "alice@local.test", applied) == ({}, [])


def test_the_daemon_gets_the_users_own_proxy(folder: Folder) -> None:
    base = {"PATH": "/bin", "HTTPS_PROXY": "http://proxy.example:3128", "PYTHONPATH": "x", "MLFLOW_X": "x"}
    inside = client_environment(folder.path, "alice@local.test", base)
    assert environ.daemon_environment(inside) == {"PATH": "/bin", "HTTPS_PROXY": "http://proxy.example:3128"}


@pytest.mark.parametrize("altered", ["", "x", "[]", '{"HTTPS_PROXY": 1}'])
def test_an_altered_memory_is_an_error(altered: str) -> None:
    with pytest.raises(BadEnvironment, match="altered"):
        outer({"AZMLFLOW_OUTER": altered})


def test_what_the_memory_must_not_bring_back() -> None:
    assert outer({"AZMLFLOW_OUTER": json.dumps({"PATH": "/evil", "HTTPS_PROXY": "http://p"})}) == {
        "HTTPS_PROXY": "http://p"
    }


def test_unknown_people(folder: Folder) -> None:
    with pytest.raises(UnknownPrincipal, match=r"nobody@local\.test") as unknown:
        client_environment(folder.path, "nobody@local.test", {})
    assert "azmlflow local user" in str(unknown.value.next)


def test_nothing_runs(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path)
    with pytest.raises(NotRunning) as silent:
        client_environment(tmp_path, "alice@local.test", dict(os.environ))
    assert (silent.value.where, silent.value.next) == (str(folder.path), "azmlflow local start")


def test_temporary_files_have_a_folder_of_this_users_alone_within_itself_too(folder: Folder, tmp_path: Path) -> None:
    """azureml-core writes `azureml_runs` there, for all users of a machine alike."""
    once = client_environment(folder.path, "alice@local.test", {"TMPDIR": str(tmp_path)})
    assert Path(once["TMPDIR"]).parent == tmp_path
    assert Path(once["TMPDIR"]).stat().st_mode & 0o077 == 0
    assert client_environment(folder.path, "alice@local.test", once)["TMPDIR"] == once["TMPDIR"]
    assert environ.daemon_environment(once)["TMPDIR"] == str(tmp_path)
    assert "TMPDIR" not in client_environment(folder.path, "alice@local.test", {}, only_ours=True)
