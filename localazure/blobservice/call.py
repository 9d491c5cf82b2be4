"""A request to the Blob service that has found its operation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.requests import Request

from azmlflow.localazure.blobs.blob import Blob
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.blobservice.authorise import BlobTarget, Passed, authorise
from azmlflow.localazure.blobservice.permissions import Permission
from azmlflow.localazure.blobservice.protocol import check_absent, check_conditions
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError


@dataclass(frozen=True)
class BlobRequest:
    """A request, where it points and who asks.

    Attributes:
        cloud: the embedded Azure.
        blobs: its blobs.
        request: the request.
        place: where it points.
        permission: what its operation needs.
        passed: by what it was let pass.
    """

    cloud: Cloud
    blobs: Blobs
    request: Request
    place: BlobTarget
    permission: Permission
    passed: Passed

    @property
    def account(self) -> str:
        """The account's name."""
        return self.place.account.name

    @property
    def container(self) -> str:
        """The container's name."""
        return self.place.container

    @property
    def address(self) -> Address:
        """The blob that the path names."""
        return Address(self.account, self.container, self.place.name)

    def check_still(self) -> None:
        """Let the request pass once more, before what came since is kept: its body came as slowly as its sender liked,
        and a right, a key or the account may have gone meanwhile. So may the hour of a signature: that what it began
        then is refused, as here, is inferred.

        Raises:
            AzureError: as `authorise`; 404, the account or its container is gone.
        """
        account = self.blobs.existing_account(self.account)
        authorise(self.cloud, self.request, self.permission, replace(self.place, account=account))
        self.blobs.container(self.account, self.container)

    def check_write_still(self) -> None:
        """`check_still`, and `check_write` once more: another upload may have come first meanwhile."""
        self.check_still()
        self.check_write()

    def found(self) -> Blob:
        """The blob, its conditions checked.

        Raises:
            AzureError: 404 `BlobNotFound` or `ContainerNotFound`; 304 or 412 when a condition does not hold.
        """
        blob = self.existing(self.address)
        check_conditions(self.request, blob.etag, blob.last_modified)
        return blob

    def existing(self, address: Address) -> Blob:
        """The blob at an address.

        Raises:
            AzureError: 404 `BlobNotFound` or `ContainerNotFound`.
        """
        self.blobs.container(address.account, address.container)
        blob = self.blobs.get(address)
        if blob is None:
            raise AzureError(404, "BlobNotFound", "The specified blob does not exist.")
        return blob

    def check_write(self) -> None:
        """The conditions of a write.

        Raises:
            AzureError: 404 without the container, 409 `BlobAlreadyExists` for `If-None-Match: *`, 412 for others; 403
            `UnauthorizedBlobOverwrite` when a signature permits to create only (`c`) and the blob is there.
        """
        self.blobs.container(self.account, self.container)
        blob = self.blobs.get(self.address)
        if blob is None:
            check_absent(self.request)
            return
        query = self.request.query_params
        if "sig" in query and "w" not in query.get("sp", ""):
            message = "This request is not authorized to perform blob overwrites."
            raise AzureError(403, "UnauthorizedBlobOverwrite", message)
        if self.request.headers.get("if-none-match") == "*":
            raise AzureError(409, "BlobAlreadyExists", "The specified blob already exists.")
        check_conditions(self.request, blob.etag, blob.last_modified)
