"""Who may touch a blob: whoever signs with the account's key, holds a signature (SAS), or has the right role.

    Authorization: SharedKey   everything, while the account permits keys
    sig=... in the query       what the signature is for, as long as it lasts; see `sas.py`
    Authorization: Bearer      what the principal's roles permit. Blobs are *data* actions: for them an identity-based
                               workspace needs the Storage Blob Data roles

Microsoft, "Authorize requests to Azure Storage"; the action of each operation: "Permissions for blob service
operations"; what signatures permit: "Create a service SAS", "Create an account SAS".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal
from urllib.parse import parse_qsl

from starlette.requests import Request

from azmlflow.localazure.blobs import sas
from azmlflow.localazure.blobs.accounts import Account
from azmlflow.localazure.blobs.signing import Signing
from azmlflow.localazure.blobservice import shared_key
from azmlflow.localazure.blobservice.permissions import Permission
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.principals import tokens
from azmlflow.localazure.principals.enforce import Caller

_DEPTH = re.compile(r"[0-9]{1,4}")  # of a directory: a blob's name has at most 1,024 characters
_CLIENT = IPv4Address("127.0.0.1")  # whoever comes through the proxy is on this machine
_CHALLENGE = (
    f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT_ID}/oauth2/authorize "
    "resource_id=https://storage.azure.com"
)


# By what a request was let pass: an access token, the account's key, a signature.
Credential = Literal["token", "key", "signature"]


@dataclass(frozen=True)
class Passed:
    """How a request was let pass, for what it asks of another blob (`copying`).

    Attributes:
        by: the credential that was checked.
        caller: the principal of a token.
    """

    by: Credential
    caller: Caller | None = None


@dataclass(frozen=True)
class BlobTarget:
    """Where a request points.

    Attributes:
        account: the storage account.
        raw_path: the path as it was sent.
        container, name: decoded; empty when the path ends before.
    """

    account: Account
    raw_path: str
    container: str = ""
    name: str = ""

    @property
    def scope(self) -> str:
        """The ARM id at which roles are asked for: the container, else the account."""
        return (
            f"{self.account.id}/blobServices/default/containers/{self.container}" if self.container else self.account.id
        )


def authorise(cloud: Cloud, request: Request, permission: Permission, place: BlobTarget) -> Passed:
    """Let a request pass.

    Args:
        cloud: the embedded Azure.
        request: the request.
        permission: what its operation needs.
        place: where it points.

    Returns:
        By what it passed.

    Raises:
        AzureError: 400, a parameter has two values; 401 without any credential or for a bad token; 403
            `AuthenticationFailed` for a bad signature, `AuthorizationPermissionMismatch` or a narrower code for a good
            one, or a principal without the permission.
    """
    spelling.query(request.scope)  # its parameters are asked for by several
    sent = request.headers.get("authorization", "")
    scheme, _, credential = sent.strip().partition(" ")
    if scheme.lower() == "bearer":
        return Passed("token", _bearer(cloud, credential.strip(), permission, place))
    if scheme in ("SharedKey", "SharedKeyLite"):
        _shared_key(cloud, request, credential.strip(), place, lite=scheme == "SharedKeyLite")
        return Passed("key")
    if sent:  # a signature in the query beside it would be a second credential; inferred that Azure refuses it so
        raise AzureError(400, "InvalidAuthenticationInfo", f"The authorization scheme '{scheme}' is not known.")
    check_sas(cloud, request.scope["query_string"].decode("latin-1"), permission, place)
    return Passed("signature")


def check_sas(cloud: Cloud, query: str, permission: Permission, place: BlobTarget) -> None:
    """Check the signature in a query.

    Raises:
        AzureError: as `authorise`.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    fields = dict(pairs)
    if "sig" not in fields:
        raise _challenged("NoAuthenticationInformation", "Please refer to the www-authenticate header.")
    if len(fields) != len(pairs):
        raise _failed("A query parameter is given twice.")
    if not all(sas.is_line(value) for name, value in fields.items() if name in sas.NAMES):
        raise _failed("A field of the signature has characters that are none of a line.")
    try:
        _check_signature(cloud, fields, place)
        _check_limits(cloud, fields, permission, place)
    except sas.SasError as error:
        raise _failed(str(error)) from None
    if permission.letters and not set(permission.letters) & set(fields.get("sp", "")):
        raise _mismatch("AuthorizationPermissionMismatch", "permission")


def why_not(cloud: Cloud, principal_id: str, permission: Permission, place: BlobTarget) -> str | None:
    """Why a principal's roles do not permit an operation at a place; None if they do."""
    return cloud.enforcer.why_not(principal_id, permission.action, place.scope, data=permission.data)


def _check_signature(cloud: Cloud, fields: sas.Fields, place: BlobTarget) -> None:
    text = sas.string_to_sign(fields, place.account.name, _resource(fields, place))
    if sas.is_delegated(fields):
        keys: tuple[str, ...] = (Signing(cloud).delegation_key(place.account.id, fields),)
    else:
        _permit_keys(place.account)
        keys = place.account.keys
    if not any(sas.matches(key, text, fields["sig"]) for key in keys):
        raise _failed("Signature did not match.")


def _resource(fields: sas.Fields, place: BlobTarget) -> str:
    """What a signature must be for, so that it is good for this place."""
    if sas.is_account(fields):
        return ""
    kind = fields.get("sr")
    if kind == "c":
        return place.container
    if kind == "b" and place.name:
        return f"{place.container}/{place.name}"
    # Before 2018-11-09 `sr` is not signed, so one that is signed for a blob could be shown as a directory's. There are
    # signatures for directories from 2020-02-10 on (Microsoft, "Create a service SAS", "Signed resource types").
    if kind == "d" and _DEPTH.fullmatch(fields.get("sdd", "")) and fields.get("sv", "") >= sas.DIRECTORIES_SINCE:
        return "/".join((place.container, *place.name.split("/")[: int(fields["sdd"])]))
    raise sas.SasError("sr is not for this resource: signatures for containers, directories and blobs are known here.")


def _check_limits(cloud: Cloud, fields: sas.Fields, permission: Permission, place: BlobTarget) -> None:
    now = cloud.clock.now()
    if "si" in fields:
        raise sas.SasError("No stored access policy has this identifier.")
    start, end = fields.get("st"), fields.get("se", "")
    early = start is not None and sas.instant(start) > now
    if early or sas.instant(end) <= now:
        raise sas.SasError(
            "Signature not valid in the specified time frame: "
            f"Start [{start or ''}] - Expiry [{end}] - Current [{now:%a, %d %b %Y %H:%M:%S GMT}]."
        )
    if fields.get("spr") not in (None, "https", "https,http"):
        raise _mismatch("AuthorizationProtocolMismatch", "protocol")
    if "sip" in fields and not _within(fields["sip"]):
        raise _mismatch("AuthorizationSourceIPMismatch", "source IP")
    if sas.is_account(fields):
        if "b" not in fields["ss"]:
            raise _mismatch("AuthorizationServiceMismatch", "service")
        if permission.level not in fields.get("srt", ""):
            raise _mismatch("AuthorizationResourceTypeMismatch", "resource type")
        return
    if not permission.by_service_sas or (permission.level == "c" and fields.get("sr") == "b"):
        raise _mismatch("AuthorizationPermissionMismatch", "permission")
    if sas.is_delegated(fields):
        _check_delegation(cloud, fields, permission, place)


def _check_delegation(cloud: Cloud, fields: sas.Fields, permission: Permission, place: BlobTarget) -> None:
    """A user delegation SAS permits no more than its principal may, within the time of its key."""
    now = cloud.clock.now()
    if not sas.instant(fields.get("skt", "")) <= now < sas.instant(fields.get("ske", "")):
        raise sas.SasError("The user delegation key is not valid at this time.")
    if fields.get("sktid") != TENANT_ID or fields.get("sks") != "b":
        raise sas.SasError("The user delegation key is of another tenant or service.")
    if any(fields.get(name) for name in ("saoid", "suoid", "skdutid", "sduoid")):
        raise sas.SasError("Signatures that name a further user are not known here.")
    reason = why_not(cloud, fields["skoid"], permission, place)
    if reason is not None:
        raise _mismatch("AuthorizationPermissionMismatch", "permission", reason)


def _within(addresses: str) -> bool:
    first, _, last = addresses.partition("-")
    try:
        return IPv4Address(first) <= _CLIENT <= IPv4Address(last or first)
    except ValueError:
        raise sas.SasError("sip is neither an address nor a range of addresses.") from None


def _shared_key(cloud: Cloud, request: Request, credential: str, place: BlobTarget, *, lite: bool) -> None:
    account, _, given = credential.partition(":")
    _permit_keys(place.account)
    if account != place.account.name:
        raise _failed("The account that signs is not the one that the address names.")
    dated = shared_key.dated(request)
    if dated is None or abs(dated - cloud.clock.now()) > shared_key.SKEW:
        raise _failed("The date header in the request is missing, incorrect or too old.")
    text = shared_key.string_to_sign(request, account, place.raw_path, lite=lite)
    if not any(sas.matches(key, text, given) for key in place.account.keys):
        raise _failed("The MAC signature found in the HTTP request is not the same as any computed signature.")


def _bearer(cloud: Cloud, token: str, permission: Permission, place: BlobTarget) -> Caller:
    own = f"https://{place.account.name}.blob.core.windows.net"
    try:
        claims = cloud.tokens.verify(token, (*tokens.STORAGE.audiences, own))
    except AzureError as error:
        raise _challenged("InvalidAuthenticationInfo", error.message) from None
    principal = cloud.directory.get(claims["oid"])
    if principal is None:
        raise _challenged("InvalidAuthenticationInfo", "The principal of the access token is not in the tenant.")
    reason = why_not(cloud, principal.object_id, permission, place)
    if reason is not None:
        raise AzureError(
            403,
            "AuthorizationPermissionMismatch",
            f"This request is not authorized to perform this operation using this permission: '{principal.name}' does "
            f"not have '{permission.action}' over '{place.scope}'.",
            reason=reason,
        )
    return Caller(principal, claims)


def _permit_keys(account: Account) -> None:
    if not account.by_key:
        raise AzureError(
            403,
            "KeyBasedAuthenticationNotPermitted",
            "Key based authentication is not permitted on this storage account.",
        )


def _failed(detail: str) -> AzureError:
    return AzureError(
        403,
        "AuthenticationFailed",
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly "
        f"including the signature. {detail}",
    )


def _challenged(code: str, detail: str) -> AzureError:
    return AzureError(
        401, code, f"Server failed to authenticate the request. {detail}", headers={"WWW-Authenticate": _CHALLENGE}
    )


def _mismatch(code: str, what: str, reason: str = "") -> AzureError:
    text = f"This request is not authorized to perform this operation using this {what}."
    return AzureError(403, code, text, reason=reason)
