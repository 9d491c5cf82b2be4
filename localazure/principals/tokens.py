"""Access tokens: what proves, on every request, who asks.

Tokens are RS256 JSON web tokens with the claims that Azure's clients and services read, in Entra's version 1.0 form
(https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from azmlflow.localazure.core.clock import Clock, timestamp
from azmlflow.localazure.core.collections import PRINCIPALS
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.errors import unauthenticated
from azmlflow.localazure.core.store import Store
from azmlflow.localazure.machine.private import kept_secret

ISSUER = f"https://sts.windows.net/{TENANT_ID}/"
_LAST = datetime.max.replace(tzinfo=UTC).timestamp()
_PROVEN = 1024  # tokens
_SKEW = 300  # seconds that a client's clock may be behind (Entra's own tolerance)


@dataclass(frozen=True)
class ResourceServer:
    """A service that tokens are issued for (the resource server of OAuth 2.0, RFC 6749).

    Attributes:
        name: as Entra's directory shows it.
        audiences: the identifiers that clients ask by: its URIs, then its application id.
    """

    name: str
    audiences: tuple[str, ...]


# Application ids: Microsoft, "Application IDs of commonly used Microsoft applications"
# (https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in).
MANAGEMENT = ResourceServer(
    "Azure Resource Manager",
    (
        "https://management.azure.com",
        "https://management.core.windows.net",
        "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    ),
)
GRAPH = ResourceServer("Microsoft Graph", ("https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"))
# Retired; SDK v1 may still ask a token for it. No service here accepts it.
AAD_GRAPH = ResourceServer("Azure AD Graph", ("https://graph.windows.net", "00000002-0000-0000-c000-000000000000"))
MACHINE_LEARNING = ResourceServer("Azure Machine Learning", ("https://ml.azure.com",))
VAULT = ResourceServer("Azure Key Vault", ("https://vault.azure.net", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"))
STORAGE = ResourceServer("Azure Storage", ("https://storage.azure.com", "e406a681-f3d4-42a8-90b6-c2b029497af1"))
RESOURCE_SERVERS = (MANAGEMENT, GRAPH, AAD_GRAPH, MACHINE_LEARNING, VAULT, STORAGE)


def find_resource_server(audience: str) -> ResourceServer | None:
    """The resource that `audience` names, with or without a trailing slash, or None."""
    wanted = _bare(audience)
    return next((resource for resource in RESOURCE_SERVERS if wanted in resource.audiences), None)


class Tokens:
    """Signs and verifies access tokens.

    Args:
        store: who the principals are (collection PRINCIPALS).
        clock: issues and expires by it.
        state: folder that keeps the keys, 0600, made at the first use; None keeps them in memory (tests).
    """

    def __init__(self, store: Store, clock: Clock, state: Path | None = None) -> None:
        self._store, self._clock = store, clock
        pem = kept_secret(state, "signing.pem", _new_signing_key)
        key = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key, self._public = key, key.public_key()
        self._proven: dict[str, dict[str, Any]] = {}
        der = self._public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self._key_id = base64.urlsafe_b64encode(hashlib.sha256(der).digest()[:20]).decode().rstrip("=")

    def issue(
        self, principal_id: str, audience: str, lifetime: int = 3600, more: Mapping[str, Any] | None = None
    ) -> tuple[str, int]:
        """A token for a principal, and when it expires (seconds since 1970).

        Args:
            principal_id: object id of a principal in the directory.
            audience: the service it is for, as the client named it; the caller has checked it with `find_resource`.
            lifetime: seconds.
            more: further claims, which narrow what the token is good for (a job's run token).
        """
        # A token of somebody who has left meanwhile names nobody, and whoever is shown it looks for who it is.
        principal = self._store.get(PRINCIPALS, principal_id.lower()) or {}
        now = int(self._clock.now().timestamp())
        expires_on = now + lifetime
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": ISSUER,
            "iat": now,
            "nbf": now,
            "exp": expires_on,
            "oid": principal_id,
            "sub": principal_id,
            "tid": TENANT_ID,
            "ver": "1.0",
            "uti": secrets.token_urlsafe(16),
            **(more or {}),
        }
        if principal.get("upn"):
            claims |= {
                "idtyp": "user",
                "upn": principal["upn"],
                "unique_name": principal["upn"],
                "name": principal.get("display_name"),
                "scp": "user_impersonation",
            }
        else:
            claims |= {"idtyp": "app", "appid": principal.get("app_id")}
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id}), expires_on

    def verify(self, token: str, audiences: Iterable[str]) -> Mapping[str, Any]:
        """The claims of a token that we issued, that has not expired and that is for one of `audiences`.

        Raises:
            AzureError: 401 with a `WWW-Authenticate` challenge: malformed, forged, expired, or for another service.
        """
        claims = self._signed(token)
        now = self._clock.now()
        if claims["exp"] <= now.timestamp():
            expiry = datetime.fromtimestamp(claims["exp"], UTC)
            raise unauthenticated(
                f"The access token expiry UTC time '{timestamp(expiry)}' is earlier than current UTC time "
                f"'{timestamp(now)}'.",
                code="ExpiredAuthenticationToken",
            )
        if claims["nbf"] > now.timestamp() + _SKEW:
            raise unauthenticated("The access token is not yet valid.")
        allowed = tuple(audiences)
        if _bare(str(claims["aud"])) not in map(_bare, allowed):
            raise unauthenticated(
                f"The access token has been obtained for wrong audience or resource '{claims['aud']}'. "
                f"It should exactly match with one of the allowed audiences '{','.join(allowed)}'.",
                code="InvalidAuthenticationTokenAudience",
            )
        return claims

    def _signed(self, token: str) -> dict[str, Any]:
        """The claims of a token that we signed, whenever and for whom it is good. That a token is ours is found out
        once: it takes longer than to decide on most requests.

        Raises:
            AzureError: 401, it is none, or not ours.
        """
        if token not in self._proven:
            claims = self._read(token)
            if len(self._proven) >= _PROVEN:
                self._proven.pop(next(iter(self._proven)))
            self._proven[token] = claims
        return dict(self._proven[token])

    def _read(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                issuer=ISSUER,
                # Time and audience are checked below: by our clock, and with Azure's own codes.
                options={
                    "require": ["aud", "exp", "iss", "nbf", "oid", "tid"],
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidTokenError as error:
            raise unauthenticated("The access token is invalid.") from error
        if not all(isinstance(claims[name], str) for name in ("oid", "tid")) or not all(
            _is_time(claims[name]) for name in ("exp", "nbf")
        ):
            raise unauthenticated("The access token is invalid.")
        return claims

    def jwks(self) -> dict[str, Any]:
        """The public key as a JSON web key set (RFC 7517)."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self._public, as_dict=True)
        return {"keys": [{**key, "kid": self._key_id, "x5t": self._key_id, "use": "sig", "alg": "RS256"}]}


def _is_time(value: Any) -> bool:
    """Whether a claim is a time (RFC 7519, "NumericDate") that a calendar has."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LAST


def _bare(audience: str) -> str:
    return audience.lower().removesuffix("/")


def _new_signing_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
