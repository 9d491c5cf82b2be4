"""Operations on containers, and on the account as a whole, named as Azure names them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as Xml

from starlette.responses import Response

from azmlflow.localazure.blobs import sas
from azmlflow.localazure.blobs.sas import DELEGATION, SAS_VERSION, second
from azmlflow.localazure.blobs.signing import Signing
from azmlflow.localazure.blobservice.call import BlobRequest
from azmlflow.localazure.blobservice.protocol import (
    check_conditions,
    fields_xml,
    http_date,
    read_body,
    told_metadata,
    xml_answer,
)
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.errors import AzureError

_KEY_LIFETIME = timedelta(days=7)
_KEY_REQUEST_LIMIT = 64 * 1024


async def create_container(call: BlobRequest) -> Response:
    """Create Container."""
    if "x-ms-blob-public-access" in call.request.headers:
        raise AzureError(409, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.")
    if not call.blobs.make_container(call.account, call.container, told_metadata(call.request)):
        raise AzureError(409, "ContainerAlreadyExists", "The specified container already exists.")
    return _described(call.blobs.container(call.account, call.container), 201)


async def get_container(call: BlobRequest) -> Response:
    """Get Container Properties and Get Container Metadata."""
    found = call.blobs.container(call.account, call.container)
    told = {
        **{f"x-ms-meta-{name}": value for name, value in found.get("metadata", {}).items()},
        "x-ms-lease-status": "unlocked",
        "x-ms-lease-state": "available",
        "x-ms-has-immutability-policy": "false",
        "x-ms-has-legal-hold": "false",
    }
    return _described(found, 200, told)


async def set_container_metadata(call: BlobRequest) -> Response:
    """Set Container Metadata: replaces all of it."""
    _check_container(call)
    return _described(call.blobs.describe_container(call.account, call.container, told_metadata(call.request)), 200)


async def delete_container(call: BlobRequest) -> Response:
    """Delete Container, with all that it holds; ARM forgets it too."""
    _check_container(call)
    call.blobs.forget_container(call.account, call.container)
    return Response(status_code=202)


async def get_account(call: BlobRequest) -> Response:
    """Get Account Information."""
    document = call.place.account.document
    told = {
        "x-ms-sku-name": document.get("sku", {}).get("name", "Standard_LRS"),
        "x-ms-account-kind": document.get("kind", "StorageV2"),
        "x-ms-is-hns-enabled": str(bool(document.get("properties", {}).get("isHnsEnabled"))).lower(),
    }
    return Response(status_code=200, headers=told)


async def get_delegation_key(call: BlobRequest) -> Response:
    """Get User Delegation Key: a key for the principal who asks, good for at most seven days."""
    if call.passed.caller is None:
        raise AzureError(403, "AuthenticationFailed", "Only a principal who is signed in can have such a key.")
    now = call.cloud.clock.now()
    try:
        asked = Xml.fromstring(await read_body(call.request, _KEY_REQUEST_LIMIT))
        start, end = (sas.instant(asked.findtext(name, default)) for name, default in (("Start", ""), ("Expiry", "")))
    except (Xml.ParseError, sas.SasError) as error:
        raise AzureError(400, "InvalidXmlDocument", "A KeyInfo tells Start and Expiry.") from error
    if not start < end or end <= now or end - now > _KEY_LIFETIME:
        raise AzureError(400, "InvalidXmlNodeValue", "A user delegation key ends within seven days from now.")
    values = (call.passed.caller.principal.object_id, TENANT_ID, second(start), second(end), "b", SAS_VERSION)
    key = Signing(call.cloud).delegation_key(call.place.account.id, dict(zip(DELEGATION, values, strict=True)))
    names = ("SignedOid", "SignedTid", "SignedStart", "SignedExpiry", "SignedService", "SignedVersion", "Value")
    return xml_answer(
        f"<UserDelegationKey>{fields_xml(dict(zip(names, (*values, key), strict=True)))}</UserDelegationKey>"
    )


def _check_container(call: BlobRequest) -> None:
    found = call.blobs.container(call.account, call.container)
    check_conditions(call.request, found["etag"], datetime.fromisoformat(found["modified"]))


def _described(found: Mapping[str, Any], status: int, more: Mapping[str, str] | None = None) -> Response:
    modified = http_date(datetime.fromisoformat(found["modified"]))
    return Response(status_code=status, headers={"etag": found["etag"], "last-modified": modified, **(more or {})})
