"""The containers of a workspace's account that datastores and code versions name, and what right it takes to name one.

What lies there is read, and through a datastore written, by the jobs of whoever may submit them. So it takes what gives
as much by itself: the account's keys, or the data actions at the container; a datastore may bring the account's key, or
a signature for the container. What is the workspace's own is free: its blob store, its snapshots, and where its people
were told to upload. Inferred: Azure reads code and datastores with rights of its own, and Microsoft does not say what
it asks of who names them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from azmlflow.localazure.blobs import sas
from azmlflow.localazure.blobs.accounts import Account
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.origins import CONTAINER, UPLOAD_ORIGIN, upload_owner
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import ARTIFACT_OWNERS, SNAPSHOTS
from azmlflow.localazure.core.errors import linked_authorization_failed
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.principals.enforce import Caller

_KEYS = "Microsoft.Storage/storageAccounts/listKeys/action"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
# The container of azureml-core's uploads; that of its snapshots has the name of their collection. Each workspace's lie
# below its own id.
REVISIONS = "revisions"


def split(url: str) -> tuple[str, str, str]:
    """(account, container, path) of `https://<account>.blob.core.windows.net/<container>[/<path>]`, decoded."""
    parts = urlsplit(url)
    container, _, path = unquote(parts.path).strip("/").partition("/")
    return (parts.hostname or "").partition(".")[0], container, path


def own_container(cloud: Cloud, account: str, container: str, workspace_id: str) -> None:
    """Note that a container was made for one workspace's upload."""
    cloud.store.put(ARTIFACT_OWNERS, f"{account}/{container}", {"workspaceId": workspace_id})


def require(
    cloud: Cloud, caller: Caller, workspace: Document, place: tuple[str, str, str], *, may: tuple[str, str], verbs: str
) -> None:
    """Refuse who names a container of a workspace's account without the right at it.

    Args:
        cloud: the embedded Azure.
        caller: who names it.
        workspace: the workspace's document.
        place: account, container, path; another account's is not asked about: nothing there is ever opened.
        may: the action that the caller may do, and where.
        verbs: what is done there for the caller: `read`, `read write`.

    Raises:
        AzureError: 403 `LinkedAuthorizationFailed`, whether or not there is such a container.
    """
    account = Blobs(cloud).account(place[0])
    if account is None or account.id != str(workspace["properties"]["storageAccount"]).lower():
        return
    if _is_own(cloud, workspace, place):
        return
    who = caller.principal
    if cloud.enforcer.why_not(who.object_id, _KEYS, account.document["id"]) is None:
        return
    id_ = f"{account.document['id']}/blobServices/default/containers/{place[1]}"
    for verb in verbs.split():
        reason = cloud.enforcer.why_not(who.object_id, f"{_BLOBS}/{verb}", id_, data=True)
        if reason is not None:
            raise linked_authorization_failed((who.name, who.object_id), may, (f"{_BLOBS}/{verb}", id_), reason)


def is_proof(cloud: Cloud, account_name: str, container: str, secrets: Any) -> bool:
    """Whether the secrets of a datastore open a container by themselves: a key of its account, or a signature by one.

    Args:
        cloud: the embedded Azure.
        account_name: the account's name.
        container: the container's.
        secrets: as a datastore's body has them.
    """
    account = Blobs(cloud).account(account_name)
    if account is None or not account.by_key or not isinstance(secrets, dict):
        return False
    told = {str(name).lower(): str(value) for name, value in secrets.items()}
    if told.get("key") in account.keys:
        return True
    return "sastoken" in told and _opens(cloud, account, container, told["sastoken"])


def _opens(cloud: Cloud, account: Account, container: str, token: str) -> bool:
    fields = dict(parse_qsl(token.removeprefix("?")))
    whole = sas.is_account(fields) and "b" in fields["ss"] and {"c", "o"} <= set(fields.get("srt", ""))
    if "si" in fields or sas.is_delegated(fields) or not (whole or fields.get("sr") == "c"):
        return False
    try:
        text = sas.string_to_sign(fields, account.name, container)
        lasts = sas.instant(fields.get("se", "")) > cloud.clock.now()
    except sas.SasError:
        return False
    signed = any(sas.matches(key, text, fields.get("sig", "")) for key in account.keys)
    return signed and lasts and set("rwl") <= set(fields.get("sp", ""))


def _is_own(cloud: Cloud, workspace: Document, place: tuple[str, str, str]) -> bool:
    account, container, path = place
    own = str(workspace["properties"]["workspaceId"])
    first, second = [*path.split("/"), ""][:2]
    if container in (SNAPSHOTS, REVISIONS):
        return first.lower() == own.lower()
    if container == CONTAINER:
        return first == UPLOAD_ORIGIN and upload_owner(cloud, account, second) == own
    made_for = cloud.store.get(ARTIFACT_OWNERS, f"{account}/{container}")
    return container == f"azureml-blobstore-{own}" or (made_for is not None and made_for["workspaceId"] == own)
