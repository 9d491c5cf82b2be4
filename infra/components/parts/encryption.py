"""The key by which a workspace is encrypted: made in the stack's own vault, or standing in another."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import keyvault, machinelearningservices

from azmlflow.infra.components.parts.arguments import MlflowWorkspaceArgs
from azmlflow.infra.components.parts.identity import UserIdentity
from azmlflow.rbac import scopes


@dataclass(frozen=True)
class Key:
    """A key of a vault.

    Attributes:
        vault_id: ARM id of the vault.
        id: its own.
        uri: of its version.
        elsewhere: whether the vault is somebody else's.
    """

    vault_id: pulumi.Output[str]
    id: pulumi.Output[str]
    uri: pulumi.Output[str]
    elsewhere: bool


def declare_key(
    name: str,
    args: MlflowWorkspaceArgs,
    group: pulumi.Input[str],
    vault: keyvault.Vault | None,
    opts: pulumi.ResourceOptions,
) -> Key | None:
    """The key, made or given; None without encryption.

    It is made by Resource Manager, which reaches closed vaults too, and of the size that Microsoft recommends ("Use
    customer-managed keys", "Create a key"). It is never deleted by itself: what it encrypted would be lost. Resource
    Manager changes nothing of a key that stands, its tags neither.

    A key that was rotated is followed, whosever it is: a workspace stays with the version that it was told, until it is
    told another (Microsoft, "Customer-managed keys for Azure Machine Learning"). But service-side encryption knows no
    rotation: the workspace keeps the version it began with (`MlflowWorkspace`).

    Raises:
        ValueError: it is to be made, and the workspace has no vault of its own to make it in.
    """
    if args.encryption_key is None:
        return None
    if vault is None or args.encryption_vault_id is not None:
        if args.encryption_vault_id is None:
            raise ValueError(f"MlflowWorkspace '{name}' with an encryption_key and no vault of its own needs its vault")
        place = scopes.parse(args.encryption_vault_id)
        found = keyvault.get_key_output(
            key_name=args.encryption_key, resource_group_name=place.resource_group or "", vault_name=place.name
        )
        id_ = pulumi.Output.from_input(f"{args.encryption_vault_id}/keys/{args.encryption_key}")
        return Key(pulumi.Output.from_input(args.encryption_vault_id), id_, found.key_uri_with_version, elsewhere=True)
    made = keyvault.Key(
        f"{name}-key",
        key_name=args.encryption_key,
        vault_name=vault.name,
        resource_group_name=group,
        properties=keyvault.KeyPropertiesArgs(kty=keyvault.JsonWebKeyType.RSA, key_size=3072),
        tags=args.tags,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True, ignore_changes=["tags"])),
    )
    # Once it is made: before, an engine that previews asks nobody.
    where = pulumi.Output.all(vault.name, made.id).apply(lambda both: str(both[0]))
    now = keyvault.get_key_output(key_name=args.encryption_key, resource_group_name=group, vault_name=where)
    return Key(vault.id, made.id, now.key_uri_with_version, elsewhere=False)


def encrypted(key: Key, identity: UserIdentity) -> machinelearningservices.EncryptionPropertyArgs:
    """How a workspace says by which key it is encrypted, and as which identity it uses the key."""
    return machinelearningservices.EncryptionPropertyArgs(
        status=machinelearningservices.EncryptionStatus.ENABLED,
        key_vault_properties=machinelearningservices.KeyVaultPropertiesArgs(
            key_vault_arm_id=key.vault_id, key_identifier=key.uri, identity_client_id=identity.client_id
        ),
        identity=machinelearningservices.IdentityForCmkArgs(user_assigned_identity=identity.id),
    )
