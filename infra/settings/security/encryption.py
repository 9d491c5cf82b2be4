"""The settings of a key of one's own, which encrypts the workspace's metadata, and what of the others goes with it.

Sources: Microsoft, "Customer-managed keys for Azure Machine Learning" (purge protection; a service-side preview without
rotation, and not with a vault that is closed) and "Use customer-managed keys" (a vault in the same subscription). That
the identity is one of its own is ours: an identity that Azure makes with the workspace can be given no right before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.fields import SettingsModel, arm_id
from azmlflow.infra.settings.network.network import NetworkSettings
from azmlflow.infra.settings.security.given import VAULT, given
from azmlflow.infra.settings.security.identity import IdentitySettings
from azmlflow.resourcetypes.bounds import NAMES


class EncryptionSettings(SettingsModel):
    """By which key a workspace is encrypted."""

    key_vault: Annotated[str | None, arm_id(VAULT)] = Field(
        None,
        description="ARM id of a key vault that stands, with the key in it, purge protection and Azure RBAC: the "
        "workspace's identity gets a role on the key, and nothing else of it is changed. Default: the stack's own "
        "vault, where the key is made; it has to have purgeProtection.",
        examples=[f"/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg/providers/{VAULT}/kv-keys"],
    )
    key: str = Field(
        "workspace",
        description="Name of the key. Another one later is another key of the same vault; the old one is kept, since "
        "what it encrypted is lost without it.",
        pattern=f"^{NAMES[f'{VAULT}/keys']}$",
        examples=["workspace"],
    )
    service_side: bool = Field(
        False,
        description="Have Azure keep the encrypted data on its side (a preview: no other key later, and no vault that "
        "is closed to the internet; Azure bills its search service). Otherwise it keeps Cosmos DB, Search and "
        "storage in a further resource group, about 250 USD a month. It is chosen once.",
        examples=["false"],
    )

    def arguments(self) -> dict[str, Any]:
        """The same as arguments of `MlflowWorkspace`."""
        return {
            "encryption_key": self.key,
            "encryption_vault_id": self.key_vault,
            "service_side_encryption": self.service_side,
        }


Encryption = Annotated[
    EncryptionSettings | None,
    Field(
        description="Encrypt the workspace's metadata by a key of one's own, which is said once, when it is made. An "
        "identity of the type UserAssigned uses it. Artifacts are in the storage account, which Microsoft's key keeps."
    ),
]


def with_encryption(field: str, value: Any, before: Mapping[str, Any]) -> Any:
    """A setting that goes with the encryption, as it then is: the identity of a workspace that is encrypted is a
    user-assigned one, unless the settings say otherwise.

    Args:
        field: `encryption` itself, `identity`, `vault` or `purge_protection`.
        value: of it.
        before: the settings that were read before it; without those that are at fault.

    Raises:
        PydanticCustomError: it does not go with it; with the reason and the nearest that works.
    """
    encryption: EncryptionSettings | None = value if field == "encryption" else before.get("encryption")
    if encryption is None:
        return value
    network = before.get("network")
    if field == "encryption" and encryption.service_side and not encryption.key_vault:
        _check_closed(network)
    if field == "identity":
        return _user_assigned(value)
    if field == "vault" and given(value) and not encryption.key_vault:
        raise refuse(
            "encryption makes its key in the stack's own vault, and this one is another's: name the vault that the "
            "key stands in",
            fix=f"azmlflow set encryption.keyVault {value}",
        )
    if field == "purge_protection" and not value and not encryption.key_vault:
        raise refuse(
            "encryption has its key in the stack's own vault, and Azure takes none from a vault without purge "
            "protection",
            "true",
        )
    return value


def _check_closed(network: NetworkSettings | None) -> None:
    if network is not None and network.of_mode.closed:
        raise refuse(
            f"network.mode {network.mode} closes the key vault too, and service-side encryption takes no key from a "
            "closed one",
            fix="azmlflow set encryption.serviceSide false",
        )


def _user_assigned(identity: IdentitySettings) -> IdentitySettings:
    if identity.user_assigned:
        return identity
    if "type" in identity.model_fields_set:
        raise refuse(
            "the encryption's key is used by an identity that has its right to it before the workspace is made, and "
            "SystemAssigned is made with the workspace",
            fix="azmlflow set identity.type UserAssigned",
        )
    return identity.model_copy(update={"type": "UserAssigned"})
