"""Who this process is signed in as, read from its own access token.

The token is ours, for Azure Resource Manager: its claims are read, not verified, since Azure itself verifies them with
every request (Microsoft, "Access token claims reference":
https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azmlflow.cli.azure.addresses import ENDPOINT

if TYPE_CHECKING:
    from azure.identity import DefaultAzureCredential


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


def credential() -> DefaultAzureCredential:
    """What the environment signs in with; no request is made yet.

    What its library warns of meanwhile is not shown: a refusal is told once, in our words, and a warning may repeat an
    address that is a secret.
    """
    import logging

    from azure.identity import DefaultAzureCredential

    logger = logging.getLogger("azure")
    if not logger.handlers:  # else Python shows warnings that nobody listens to
        logger.addHandler(logging.NullHandler())
    return DefaultAzureCredential()


def whoami() -> SignedIn:
    """Sign in as the environment says, and read who that is.

    Raises:
        azure-core's ClientAuthenticationError: nobody is signed in.
    """
    return read_claims(credential().get_token(f"{ENDPOINT}/.default").token)


def read_claims(token: str) -> SignedIn:
    """The principal of an access token (a JWT)."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    name = next((claims[key] for key in ("upn", "unique_name", "preferred_username", "appid") if claims.get(key)), "")
    identifier = str(claims.get("oid", ""))
    return SignedIn(identifier, str(name) or identifier, str(claims.get("tid", "")))
