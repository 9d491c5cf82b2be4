"""The directory: users, groups and service principals of the one tenant.

An object is known by its object id; a user also by its sign-in name (UPN) or mail, an application's service principal
by its application id. The two ids of an application differ and only the service principal's object id gets roles
(Microsoft, "Application and service principal objects in Microsoft Entra ID").
Removed objects are gone at once, and their role assignments stay behind, as on Azure ("Identity not found").
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from azmlflow.localazure.core.clock import Ids
from azmlflow.localazure.core.collections import CREDENTIALS, MEMBERS, PRINCIPALS, REMOVED_PRINCIPALS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document, Store, Version

PrincipalKind = Literal["User", "Group", "ServicePrincipal"]

# The secret is 256 random bits: a slow hash would protect nothing more, but costs little at this setting.
_SCRYPT = {"n": 2**12, "r": 8, "p": 1}


@dataclass(frozen=True)
class Principal:
    """Somebody or something that roles are assigned to.

    Attributes:
        object_id: id in the directory.
        kind: `User`, `Group` or `ServicePrincipal`.
        display_name: what people call it.
        upn: a user's sign-in name.
        mail: a user's mail address.
        app_id: a service principal's application id.
        told: what else was said of it when it was added, by Graph's names.
    """

    object_id: str
    kind: PrincipalKind
    display_name: str
    upn: str | None = None
    mail: str | None = None
    app_id: str | None = None
    told: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """How Azure's errors call it: the sign-in name, the application id, or the display name."""
        return self.upn or self.app_id or self.display_name


_FIELDS = tuple(each.name for each in fields(Principal))


class Directory:
    """The principals of a store.

    Args:
        store: keeps them in the collections `principals`, `members` and `credentials`.
        ids: gives object ids and application ids.
    """

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store, self._ids = store, ids
        self._memberships: tuple[Version, Mapping[str, frozenset[str]]] | None = None

    def get(self, object_id: str) -> Principal | None:
        """The principal with this object id, or None."""
        document = self._store.get(PRINCIPALS, object_id.lower())
        return None if document is None else _principal(document)

    def find_user(self, upn_or_mail: str) -> Principal | None:
        """The user with this sign-in name or mail address, whatever the case, or None."""
        wanted = upn_or_mail.lower()
        return next((user for user in self.list("User") if wanted in _addresses(user)), None)

    def by_app_id(self, app_id: str) -> Principal | None:
        """The service principal of this application, or None."""
        wanted = app_id.lower()
        return next((found for found in self.list("ServicePrincipal") if found.app_id == wanted), None)

    def list(self, kind: PrincipalKind | None = None) -> tuple[Principal, ...]:
        """All principals, or those of one kind, by display name."""
        found = (_principal(document) for _, document in self._store.kept(PRINCIPALS))
        return tuple(
            sorted(
                (principal for principal in found if kind in (None, principal.kind)),
                key=lambda principal: (principal.display_name.lower(), principal.object_id),
            )
        )

    def add_user(
        self,
        upn: str,
        display_name: str | None = None,
        mail: str | None = None,
        *,
        told: Mapping[str, Any] | None = None,
    ) -> Principal:
        """Add a user.

        Args:
            upn: sign-in name, `name@domain`; unique in the tenant.
            display_name: the part before `@` if None.
            mail: the sign-in name if None.
            told: see `Principal`.

        Raises:
            AzureError: 400 `Request_BadRequest`, the sign-in name is taken or is none.
        """
        local, at, domain = upn.partition("@")
        if not (local and at and domain) or any(mark in upn for mark in " \t\n'\"/"):
            raise AzureError(
                400, "Request_BadRequest", "Property userPrincipalName is invalid.", target="userPrincipalName"
            )
        if self.find_user(upn) is not None:
            raise _taken("userPrincipalName")
        made = Principal(self._id("User", upn), "User", display_name or local, upn, mail or upn, told=told or {})
        return self._add(made)

    def add_group(self, display_name: str, told: Mapping[str, Any] | None = None) -> Principal:
        """Add a security group. Display names of groups need not be unique, as in Entra."""
        if not display_name:
            raise AzureError(400, "Request_BadRequest", "A value is required for property 'displayName'.")
        return self._add(Principal(self._id("Group", display_name), "Group", display_name, told=told or {}))

    def add_service_principal(
        self,
        display_name: str,
        *,
        app_id: str | None = None,
        with_secret: bool = True,
        told: Mapping[str, Any] | None = None,
    ) -> tuple[Principal, str | None]:
        """Add an application's service principal, or a managed identity.

        Args:
            display_name: the application's name.
            app_id: its application id; a new one if None.
            with_secret: also make a client secret.
            told: see `Principal`.

        Returns:
            The principal and its secret, which only the caller will ever see.

        Raises:
            AzureError: 409 `Request_MultipleObjectsWithSameKeyValue`, the application has a service principal.
        """
        app_id = (app_id or self._ids.guid()).lower()
        if self.by_app_id(app_id) is not None:
            raise AzureError(
                409,
                "Request_MultipleObjectsWithSameKeyValue",
                f"The service principal cannot be created because the service principal name {app_id} is in use.",
            )
        id_ = self._id("ServicePrincipal", display_name)
        made = Principal(id_, "ServicePrincipal", display_name, app_id=app_id, told=told or {})
        principal = self._add(made)
        return principal, self.new_secret(app_id) if with_secret else None

    def new_secret(self, app_id: str, good: tuple[datetime, datetime] | None = None) -> str:
        """Give an application a client secret in the place of the one it had; returns it in clear, once.

        Args:
            app_id: the application's id.
            good: from when until when it is; None for always.
        """
        secret, salt = secrets.token_urlsafe(32), secrets.token_bytes(16)
        self._store.put(CREDENTIALS, app_id.lower(), {"salt": salt.hex(), "hash": _hash(secret, salt), **_span(good)})
        return secret

    def check_secret(self, app_id: str, secret: str) -> Principal | None:
        """The application's service principal if the secret is its own, else None."""
        stored = self._store.get(CREDENTIALS, app_id.lower())
        if stored is None or not hmac.compare_digest(_hash(secret, bytes.fromhex(stored["salt"])), stored["hash"]):
            return None
        return self.by_app_id(app_id)

    def is_good(self, app_id: str, now: datetime) -> bool:
        """Whether an application's secret is good at an instant: begun, and not over."""
        kept = self._store.get(CREDENTIALS, app_id.lower()) or {}
        if "end" not in kept:
            return True
        return datetime.fromisoformat(kept["start"]) <= now < datetime.fromisoformat(kept["end"])

    def add_member(self, group_id: str, member_id: str) -> None:
        """Put a principal into a group.

        Raises:
            AzureError: 404 `Request_ResourceNotFound`, either is absent; 400 `Request_BadRequest`, it is a member.
        """
        group, member = self._existing(group_id), self._existing(member_id)
        if group.kind != "Group":
            raise _absent(group_id)
        key = f"{group.object_id}/{member.object_id}"
        if self._store.get(MEMBERS, key) is not None:
            raise AzureError(
                400,
                "Request_BadRequest",
                "One or more added object references already exist for the following modified properties: 'members'.",
            )
        self._store.put(MEMBERS, key, {"group": group.object_id, "member": member.object_id})

    def remove_member(self, group_id: str, member_id: str) -> None:
        """Take a principal out of a group.

        Raises:
            AzureError: 404 `Request_ResourceNotFound`, it is not a member.
        """
        if not self._store.delete(MEMBERS, f"{group_id.lower()}/{member_id.lower()}"):
            raise _absent(member_id)

    def members(self, group_id: str) -> tuple[Principal, ...]:
        """The direct members of a group, by display name."""
        prefix = f"{group_id.lower()}/"
        found = (self.get(document["member"]) for _, document in self._store.scan(MEMBERS, prefix))
        return tuple(sorted((one for one in found if one), key=lambda one: (one.display_name.lower(), one.object_id)))

    def groups_of(self, object_id: str) -> tuple[Principal, ...]:
        """The groups that hold a principal directly, by display name."""
        found = (self.get(group_id) for group_id in self.memberships().get(object_id.lower(), ()))
        return tuple(sorted((one for one in found if one), key=lambda one: (one.display_name.lower(), one.object_id)))

    def memberships(self) -> Mapping[str, frozenset[str]]:
        """Member's object id -> object ids of the groups that hold it directly; kept until members change."""
        version = self._store.version(MEMBERS)
        if self._memberships is None or self._memberships[0] != version:
            groups: dict[str, set[str]] = {}
            for _, document in self._store.kept(MEMBERS):
                groups.setdefault(document["member"], set()).add(document["group"])
            self._memberships = version, {member: frozenset(held) for member, held in groups.items()}
        return self._memberships[1]

    def remove(self, object_id: str) -> None:
        """Remove a principal, its memberships and its secret; its role assignments stay, as on Azure.

        Raises:
            AzureError: 404 `Request_ResourceNotFound`, there is none.
        """
        principal = self._existing(object_id)
        with self._store.transaction():
            self._store.delete(PRINCIPALS, principal.object_id)
            self._store.put(REMOVED_PRINCIPALS, principal.object_id, {"name": principal.name})
            if principal.app_id is not None:
                self._store.delete(CREDENTIALS, principal.app_id)
            for key, document in list(self._store.scan(MEMBERS)):
                if principal.object_id in (document["group"], document["member"]):
                    self._store.delete(MEMBERS, key)

    def _id(self, kind: PrincipalKind, name: str) -> str:
        """An object id that follows from a name, so that a committed stack file grants to the same people everywhere;
        another one where it is or was somebody's: who is gone leaves his assignments behind."""
        id_ = self._ids.named(f"{kind}/{name.lower()}")
        had = self.get(id_) is not None or self._store.get(REMOVED_PRINCIPALS, id_) is not None
        return self._ids.guid() if had else id_

    def _add(self, principal: Principal) -> Principal:
        self._store.put(PRINCIPALS, principal.object_id, asdict(principal))
        return principal

    def _existing(self, object_id: str) -> Principal:
        principal = self.get(object_id)
        if principal is None:
            raise _absent(object_id)
        return principal


def _principal(document: Document) -> Principal:
    """As it is kept; what another version of azmlflow noted beside is left aside."""
    return Principal(**{name: document[name] for name in _FIELDS if name in document})


def _addresses(user: Principal) -> set[str]:
    return {address.lower() for address in (user.upn, user.mail) if address}


def _span(good: tuple[datetime, datetime] | None) -> Document:
    return {} if good is None else {"start": good[0].isoformat(), "end": good[1].isoformat()}


def _hash(secret: str, salt: bytes) -> str:
    return hashlib.scrypt(secret.encode(), salt=salt, **_SCRYPT).hex()


def _absent(object_id: str) -> AzureError:
    what = f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present."
    return AzureError(404, "Request_ResourceNotFound", what)


def _taken(name: str) -> AzureError:
    what = f"Another object with the same value for property {name} already exists."
    return AzureError(400, "Request_BadRequest", what, target=name)
