"""What `Access` is made of: grants, and where they apply; some of it may be other resources' outputs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import pulumi
from pulumi_azure_native import authorization

from azmlflow.infra.plan import identifiers
from azmlflow.infra.plan.records import ComputeIdentity
from azmlflow.rbac.grants import Grant, GrantScope
from azmlflow.rbac.profiles import Profile


class GrantArgs(TypedDict):
    """A persona for a principal."""

    principal_id: pulumi.Input[str]
    """Object id in the directory."""
    principal_type: str
    """User, Group or ServicePrincipal."""
    persona: str
    """What the principal may do with MLflow."""
    scope: NotRequired[str]
    """At the `workspace`, or at its whole `group`."""
    name: NotRequired[str]
    """What the assignment is called in the program, where the principal's id is another resource's output."""
    adopted: NotRequired[list[str]]
    """GUIDs of roles that the principal has there by somebody else's assignment, which is left alone."""


class ComputeIdentityArgs(TypedDict):
    """A user-assigned identity that a compute or an online endpoint has."""

    principal_id: str
    """Object id in the directory."""
    stops: NotRequired[bool]
    """Whether a compute instance has it, which could not stop by itself without its rights."""
    serves: NotRequired[bool]
    """Whether an online endpoint has it, which reads its models as this identity."""


if TYPE_CHECKING:
    Granted = Grant | GrantArgs
    Identity = ComputeIdentity | ComputeIdentityArgs
else:
    # What Pulumi's component host draws its schema from, and hands over: it knows neither unions nor our records.
    Granted, Identity = GrantArgs, ComputeIdentityArgs


@dataclass(frozen=True)
class AccessArgs:
    """What an `Access` is made of."""

    resource_group: pulumi.Input[str]
    """Name of the workspace's resource group."""
    workspace: pulumi.Input[str]
    """Name of the workspace."""
    grants: Sequence[Granted]
    """Who may do what."""
    subscription_id: pulumi.Input[str] | None = None
    """Subscription of the workspace; the client's by default."""
    owner: str | None = "azmlflow"
    """Who declares this; said in the descriptions, since roles and assignments carry no tags."""
    storage_account: pulumi.Input[str] | None = None
    """Name of the storage account, if its datastores are opened as the caller: personas then need roles on it."""
    profile: str | None = "least-privilege"
    """`least-privilege`: a custom role for each persona; `built-in`: the nearest built-in role, which allows more."""
    strict_tracker: bool | None = False
    """Take `jobs/write` from the tracker."""
    container_registry: pulumi.Input[str] | None = None
    """Name of the container registry that computes pull images from, if their identities need a role on it."""
    identities: Sequence[Identity] | None = None
    """The user-assigned identities of computes and online endpoints."""
    own_group: bool | None = True
    """Whether the resource group is for this workspace alone; else the roles are called after the workspace."""
    model_account: pulumi.Input[str] | None = None
    """Name of the storage account that models are in, if identities of online endpoints read them."""

    @classmethod
    def of(
        cls,
        place: identifiers.Place,
        grants: Iterable[Grant],
        owner: str,
        strict_tracker: bool = False,
        identities: Iterable[ComputeIdentity] = (),
    ) -> "AccessArgs":
        """The arguments for grants as `azmlflow.rbac` has them.

        Args:
            place: where they apply.
            grants: who may do what there.
            owner: who declares this; the descriptions of roles and assignments say it.
            strict_tracker: the persona tracker may not submit jobs.
            identities: user-assigned identities of computes and endpoints, which need roles of their own.
        """
        return cls(
            place.resource_group,
            place.workspace,
            tuple(grants),
            place.subscription_id,
            owner,
            place.storage_account,
            place.profile,
            strict_tracker,
            place.registry,
            tuple(identities),
            place.own_group,
            place.models,
        )


@dataclass(frozen=True)
class Meant:
    """Where which grants apply.

    What the resources are called follows from plain values, which stand in where the true ones are outputs.

    Attributes:
        place: where.
        grants: who may do what.
        real: both as they will be, where something of them is an output.
    """

    place: identifiers.Place
    grants: tuple[Grant, ...]
    real: "pulumi.Output[tuple[identifiers.Place, tuple[Grant, ...]]] | None" = None

    @classmethod
    def of(cls, args: AccessArgs, parent: pulumi.Resource) -> "Meant":
        """What arguments mean.

        Raises:
            ValueError: a principal is an output and its grant has no name, or what somebody else gave is to be left
                alone where that cannot be told yet.
        """
        subscription = args.subscription_id
        if subscription is None:
            subscription = authorization.get_client_config_output(pulumi.InvokeOptions(parent=parent)).subscription_id
        parts = (
            subscription,
            args.resource_group,
            args.workspace,
            args.storage_account,
            args.container_registry,
            args.model_account,
        )
        profile: Profile = "built-in" if args.profile == "built-in" else "least-privilege"
        given = [(each, each.principal_id) if isinstance(each, Grant) else _read(each) for each in args.grants]
        grants, principals = tuple(grant for grant, _ in given), [principal for _, principal in given]

        def place(words: Sequence[Any]) -> identifiers.Place:
            own = args.own_group is not False
            return identifiers.Place(words[0], words[1], words[2], words[3], profile, words[4], own, words[5])

        if all(isinstance(each, str | None) for each in (*parts, *principals)):
            return cls(place(parts), grants)
        if any(grant.adopted for grant in grants):
            raise ValueError("`adopted` needs names and ids that are plain: which roles these are follows from them")
        stand_in = [each if isinstance(each, str | None) else f"output-{n}" for n, each in enumerate(parts)]
        real = pulumi.Output.all(*parts, *principals).apply(
            lambda words: (
                place(words[: len(parts)]),
                tuple(replace(grant, principal_id=id_) for grant, id_ in zip(grants, words[len(parts) :], strict=True)),
            )
        )
        return cls(place(stand_in), grants, real)

    def told(self, ask: Callable[[identifiers.Place, Sequence[Grant]], str]) -> pulumi.Input[str]:
        """What follows from place and grants."""
        return ask(self.place, self.grants) if self.real is None else self.real.apply(lambda both: ask(*both))


def _read(given: GrantArgs) -> tuple[Grant, pulumi.Input[str]]:
    """The grant of a mapping, and its principal; TypeError where it lacks a field or has one too many."""
    return _grant(**given)


def _grant(
    *,
    principal_id: pulumi.Input[str],
    principal_type: str,
    persona: str,
    scope: str | None = None,
    name: str | None = None,
    adopted: Iterable[str] | None = None,
) -> tuple[Grant, pulumi.Input[str]]:
    """An id of what was adopted is for people to read, and nobody tells it here."""
    called = principal_id if isinstance(principal_id, str) else name
    if called is None:
        raise ValueError(f"a grant of {persona} whose principal_id is an output needs a `name`")
    at: GrantScope = "group" if scope == "group" else "workspace"
    others = {guid.lower(): "" for guid in adopted or ()}
    return Grant(called, principal_type, "", persona, at, None, others), principal_id
