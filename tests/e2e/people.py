"""HTTP sessions of people: signed in at the identity endpoint that `azmlflow run` gives them, through its proxy."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx
import yaml

from azmlflow.localazure.clients import control
from azmlflow.localazure.machine.folder import Folder
from tests.e2e.estate import Estate

OWNER = "developer@local.test"
ARM = "https://management.azure.com"
GRAPH = "https://graph.microsoft.com/v1.0"
ARM_VERSION = {"api-version": "2022-04-01"}
ML_VERSION = {"api-version": "2024-10-01"}


@dataclass(frozen=True)
class Person:
    """A signed-in principal; leaving its `with` closes its connections.

    Attributes:
        name: UPN.
        http: a client that carries the person's token.
    """

    name: str
    http: httpx.Client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        """One request; whatever the answer."""
        return self.http.request(method, url, **options)


def sign_in(estate: Estate, name: str) -> Person:
    """Sign `name` in, by the variables of `azmlflow env --as`."""
    variables: dict[str, str] = estate.azmlflow("env", "--as", name, "--output", "json").json()["set"]
    with httpx.Client(trust_env=False) as plain:
        answer = plain.get(
            variables["IDENTITY_ENDPOINT"],
            params={"api-version": "2019-08-01", "resource": ARM},
            headers={"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"]},
        )
    answer.raise_for_status()
    http = httpx.Client(
        trust_env=False,
        proxy=variables["HTTPS_PROXY"],
        verify=ssl.create_default_context(cafile=variables["SSL_CERT_FILE"]),
        headers={"Authorization": f"Bearer {answer.json()['access_token']}"},
        timeout=60,
    )
    return Person(name, http)


def add_users(estate: Estate, names: Iterable[str]) -> dict[str, str]:
    """Users made in the directory by its owner: UPN -> object id."""
    folder = Folder.at(estate.folder / ".azmlflow" / "local")
    found = {}
    for name in names:
        body = {"userPrincipalName": name, "displayName": name.partition("@")[0]}
        answer = control.ask(folder, "POST", f"{GRAPH}/users", principal=OWNER, body=body)
        assert answer.status == 201, answer
        found[name] = answer.body["id"]
    return found


def declare(estate: Estate, personas: Mapping[str, str], ids: Mapping[str, str]) -> None:
    """Give users their personas by the settings and one `up`, as who writes grants as code does.

    Args:
        estate: a standing estate.
        personas: UPN -> persona.
        ids: UPN -> object id.
    """
    path = estate.folder / "Pulumi.local.yaml"
    document = yaml.safe_load(path.read_text())
    document["config"].setdefault("azmlflow:grants", []).extend(
        {"principalId": ids[name], "principalType": "User", "displayName": name, "persona": persona}
        for name, persona in personas.items()
    )
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    estate.azmlflow("up", "--yes")
