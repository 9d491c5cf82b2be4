"""Who this process is signed in as, read from its own access token.

The token is ours, for Azure Resource Manager: its claims are read, not verified, since Azure itself verifies them with
every request (Microsoft, "Access token claims reference":
https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from azmlflow.cli.azure.addresses import ENDPOINT


@dataclass(frozen=True)
class SignedIn:
    """A signed-in principal.

    Attributes:
        id: its object id.
        name: user name, or application id.
        tenant: id of its directory.
    """

    id: str
    name: str
    tenant: str


def whoami() -> SignedIn:
    """Sign in as the environment says, and read who that is.

    Raises:
        azure-core's ClientAuthenticationError: nobody is signed in.
    """
    from azure.identity import DefaultAzureCredential

    return read_claims(DefaultAzureCredential().get_token(f"{ENDPOINT}/.default").token)


def read_claims(token: str) -> SignedIn:
    """The principal of an access token (a JWT)."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    name = next((claims[key] for key in ("upn", "unique_name", "preferred_username", "appid") if claims.get(key)), "")
    identifier = str(claims.get("oid", ""))
    return SignedIn(identifier, str(name) or identifier, str(claims.get("tid", "")))
