"""HTTP sessions of people: signed in at the identity endpoint that `azmlflow run` gives them, through its proxy."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any, Self

import httpx

from tests.e2e.estate import Estate

ARM = "https://management.azure.com"
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
    client = httpx.Client(
        trust_env=False,
        proxy=variables["HTTPS_PROXY"],
        verify=ssl.create_default_context(cafile=variables["SSL_CERT_FILE"]),
        headers={"Authorization": f"Bearer {answer.json()['access_token']}"},
        timeout=60,
    )
    return Person(name, client)
