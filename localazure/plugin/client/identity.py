"""Who the plugin is to Azure: a credential from the environment, as any client of the stack has it.

A service principal's variables (`AZURE_CLIENT_ID`, `AZURE_TENANT_ID`, a secret or certificate) or an identity
endpoint (`IDENTITY_ENDPOINT`, `IDENTITY_HEADER`). Nothing else is tried: the tools that DefaultAzureCredential
would run (az, azd, pwsh) are signed in to the real Azure, which the plugin never speaks to.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import HttpTransport

from azmlflow.localazure.plugin.client.calls import NotSignedIn


class SharedCredential:
    """One credential for many threads: they wait for the first token together instead of each asking for one.

    Args:
        inner: the credential that asks.
        secrets: texts that no error may repeat.
    """

    def __init__(self, inner: TokenCredential, secrets: tuple[str, ...] = ()) -> None:
        self._inner, self._secrets, self._lock = inner, secrets, threading.Lock()

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """A token for the scopes.

        Raises:
            NotSignedIn: with Azure's reason, the environment's secrets taken out.
        """
        with self._lock:
            try:
                return self._inner.get_token(*scopes, **kwargs)
            except AzureError as error:
                reason = error.message.splitlines()[0] if error.message else type(error).__name__
                for secret in self._secrets:
                    reason = reason.replace(secret, "[secret]")
                raise NotSignedIn(
                    f"no access token for {' '.join(scopes)}: {reason} (is it running? `azmlflow local status`)"
                ) from None


def credential(environ: Mapping[str, str], transport: HttpTransport[Any, Any]) -> SharedCredential:
    """The credential that the environment describes; no request is made yet.

    Args:
        environ: the process environment.
        transport: what its requests go through.

    Raises:
        NotSignedIn: when the environment describes none, naming the command that gives one.
    """
    from azure.identity import EnvironmentCredential, ManagedIdentityCredential  # 0.4 s: not before it is needed

    inner: TokenCredential
    if environ.get("AZURE_CLIENT_ID") and environ.get("AZURE_TENANT_ID"):
        inner = EnvironmentCredential(transport=transport)
    elif environ.get("IDENTITY_ENDPOINT") and environ.get("IDENTITY_HEADER"):
        inner = ManagedIdentityCredential(transport=transport)
    else:
        raise NotSignedIn(
            "neither a service principal's variables nor an identity endpoint are set; "
            'run through `azmlflow up`, or set the shell up with `eval "$(azmlflow env --engine)"`'
        )
    return SharedCredential(inner, secrets_of(environ))


def secrets_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The texts in an environment that grant something: they must not reach a message."""
    proxies = [urlsplit(environ[name]) for name in ("HTTPS_PROXY", "https_proxy") if environ.get(name)]
    candidates = (
        urlsplit(environ.get("IDENTITY_ENDPOINT", "")).path.partition("/msi/")[0].strip("/"),
        environ.get("IDENTITY_HEADER", ""),
        environ.get("AZURE_CLIENT_SECRET", ""),
        *(proxy.password or "" for proxy in proxies),
    )
    return tuple(dict.fromkeys(text for text in candidates if len(text) >= 8))


def claims(token: str) -> dict[str, Any]:
    """The claims in a token of Azure's, unverified: Azure is who verifies them.

    Raises:
        NotSignedIn: when the token is not a JWT.
    """
    try:
        payload = token.split(".")[1]
        decoded = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        raise NotSignedIn("the access token is not a JSON Web Token") from None
    if not isinstance(decoded, dict):
        raise NotSignedIn("the access token holds no claims")
    return decoded
