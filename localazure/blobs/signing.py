"""Signed blob URLs: what lets anybody act on a blob or a container for a while.

They carry a service SAS by the account's first key, so that a new key makes them invalid; where the account permits no
keys, a user delegation SAS of the workspace's own identity. `blobservice/authorise.py` checks both.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from azmlflow.localazure.blobs import sas
from azmlflow.localazure.blobs.accounts import Accounts
from azmlflow.localazure.blobs.sas import DELEGATION, SAS_VERSION, second
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.errors import AzureError


class Signing:
    """Signs blob URLs.

    Args:
        cloud: the embedded Azure.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._clock, self._key, self._accounts = cloud.clock, cloud.sas_key, Accounts(cloud.store)

    def url(self, url_path: str, permissions: str, expires: datetime) -> str:
        """The query string (a SAS) that lets anybody act on one blob until `expires`.

        Args:
            url_path: `/<account>/<container>/<blob>`, decoded.
            permissions: letters among `r` read, `c` create, `w` write, `d` delete.
            expires: end of the permission; kept to the second.
        """
        account, _, resource = url_path.lstrip("/").partition("/")
        return self._sign("b", account, resource, permissions, expires)

    def container(self, account: str, container: str, permissions: str, expires: datetime) -> str:
        """The query string that lets anybody act on the blobs of one container until `expires` (`sr=c`)."""
        return self._sign("c", account, container, permissions, expires)

    def delegation_key(self, account_id: str, fields: Mapping[str, str]) -> str:
        """The user delegation key, base64, that these fields (`skoid` ... `skv`) of a SAS name.

        It follows from them and from a key of ours, so none need be kept; it ends when its fields say.
        """
        named = json.dumps([account_id, *(fields.get(name, "") for name in DELEGATION)]).encode()
        return base64.b64encode(hmac.digest(self._key, named, "sha256")).decode()

    def _sign(self, kind: str, account_name: str, resource: str, permissions: str, expires: datetime) -> str:
        end = second(expires)
        fields = {"sv": SAS_VERSION, "sr": kind, "sp": permissions, "se": end, "spr": "https"}
        account = self._accounts.find(account_name)
        if account is None or not account.keys:
            raise AzureError(404, "ResourceNotFound", f"There is no storage account '{account_name}'.")
        key, delegate = account.keys[0], None if account.by_key else self._accounts.identity(account)
        if delegate is not None:
            now = second(self._clock.now())
            values = (delegate, TENANT_ID, now, end, "b", SAS_VERSION)
            fields |= dict(zip(DELEGATION, values, strict=True))
            key = self.delegation_key(account.id, fields)
        return urlencode({**fields, "sig": sas.signature(key, sas.string_to_sign(fields, account.name, resource))})
