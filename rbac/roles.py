"""Personas: what people do with MLflow, as the least-privilege roles that allow just that; and Azure's built-in roles.

Each persona is one custom role without any wildcard. Built-in roles give too much or nothing: Reader also reads
notebook tokens, AzureML Data Scientist also lists storage keys, AzureML Metrics Writer allows no MLflow operation.
Microsoft's sample role (`experiments/*`, `jobs/*`, `models/*`) grants neither the workspace's `read` nor artifacts.

Source: Microsoft, "Manage access to an Azure Machine Learning workspace"; `operations` says which rows are inferred.
"""

from __future__ import annotations

import difflib
import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from azmlflow.rbac import builtin, scopes
from azmlflow.rbac.builtin import BuiltInRole
from azmlflow.rbac.grants import NAMESPACE
from azmlflow.rbac.operations import WORKSPACE
from azmlflow.rbac.patterns import PermissionBlock, permits

__all__ = [
    "PERSONAS",
    "BuiltInRole",
    "Persona",
    "UnknownPersona",
    "UnknownRole",
    "built_in_role",
    "combined",
    "custom_role_guid",
    "custom_role_name",
    "least_persona",
    "persona",
    "union",
]


@dataclass(frozen=True)
class Persona:
    """What a person does with MLflow.

    Attributes:
        name: the name used in settings and commands.
        actions: the Azure actions of its role, no wildcard.
        storage_roles: the built-in roles that it needs besides on the storage account of a workspace whose datastores
            use the caller's identity (`systemDatastoresAuthMode=identity`); with keys, artifacts travel by signed URL.
        summary: one line for people.
        nearest: the built-in role that comes nearest, for tenants that forbid custom roles; `rbac.profiles` tells what
            it grants too much, and what it lacks.
    """

    name: str
    actions: tuple[str, ...]
    storage_roles: tuple[str, ...]
    summary: str
    nearest: str

    @property
    def permissions(self) -> tuple[PermissionBlock, ...]:
        """The permission blocks of its role."""
        return (PermissionBlock(actions=self.actions),)


class UnknownPersona(ValueError):
    """A name that is not a persona; the message names the nearest and lists all."""


class UnknownRole(ValueError):
    """A name that is none of the built-in roles of the table; the message names the nearest."""


def _actions(*suffixes: str) -> tuple[str, ...]:
    return tuple(f"{WORKSPACE}/{suffix}" for suffix in suffixes)


_READ_STORAGE = ("Storage Blob Data Reader", "Storage File Data Privileged Reader")
_WRITE_STORAGE = ("Storage Blob Data Contributor", "Storage File Data Privileged Contributor")

_VIEW = _actions(
    "read",
    "experiments/read",
    "experiments/runs/read",
    "jobs/read",
    "models/read",
    "models/versions/read",
    "metadata/artifacts/read",
)
# `jobs/write` because Microsoft asks `jobs/*` for tracking, though azureml-mlflow 1.62 calls no jobs route. By the
# table it is not enough to submit a job, but Azure may let its holder start one that needs no code upload.
_JOBS_WRITE = _actions("jobs/write")
_TRACK = (
    *_VIEW,
    *_actions("experiments/write", "experiments/runs/write", "jobs/write", "metadata/artifacts/write"),
)

_DEPLOY = _actions(
    "onlineEndpoints/read",
    "onlineEndpoints/write",
    "onlineEndpoints/delete",
    "onlineEndpoints/checkNameAvailability/read",
    "onlineEndpoints/listkeys/action",
    "onlineEndpoints/regeneratekeys/action",
    "onlineEndpoints/token/action",
    "onlineEndpoints/score/action",
    "onlineEndpoints/deployments/read",
    "onlineEndpoints/deployments/write",
    "onlineEndpoints/deployments/delete",
    "onlineEndpoints/deployments/getlogs/action",
    "onlineEndpoints/deployments/skus/read",
)

PERSONAS: tuple[Persona, ...] = (
    Persona(
        "viewer",
        _VIEW,
        _READ_STORAGE,
        "Sees experiments, runs, metrics, artifacts and models; changes nothing",
        "Reader",
    ),
    Persona(
        "tracker",
        _TRACK,
        _WRITE_STORAGE,
        "A viewer who also tracks: experiments, runs, metrics, parameters, tags, artifacts",
        "AzureML Data Scientist",
    ),
    Persona(
        "registrar",
        (
            *_VIEW,
            *_actions(
                "models/write",
                "models/versions/write",
                "models/delete",
                "models/versions/delete",
                "metadata/artifacts/write",
                "assets/stage/write",
            ),
        ),
        _WRITE_STORAGE,
        "A viewer who also keeps the model registry: registers, tags, stages and deletes models",
        "AzureML Data Scientist",
    ),
    Persona(
        "submitter",
        (
            *_TRACK,
            *_actions(
                "jobs/cancel/action",
                "experiments/runs/submit/action",
                "computes/read",
                "environments/read",
                "environments/write",
                "environments/build/action",
                "environments/readSecrets/action",
                "datastores/read",
                "metadata/snapshots/read",
                "metadata/snapshots/write",
                "metadata/codes/read",
                "metadata/codes/write",
            ),
        ),
        _WRITE_STORAGE,
        "A tracker who also runs jobs and MLflow Projects on the workspace's clusters",
        "AzureML Data Scientist",
    ),
    Persona(
        # No `datastores/listsecrets`: what is deployed is registered first. No environments and codes, so no script of
        # one's own: that takes a submitter too. A deployment runs as its endpoint's identity, which reads every blob.
        "deployer",
        (*_VIEW, *_DEPLOY),
        _READ_STORAGE,
        "A viewer who also deploys registered models as web services, and has their keys",
        "AzureML Data Scientist",
    ),
    Persona(
        # No keys: who has one is nobody, and stays so after the grant has ended.
        "scorer",
        _actions("onlineEndpoints/read", "onlineEndpoints/score/action", "onlineEndpoints/token/action"),
        (),
        "Asks web services for predictions, by a token of one's own; sees nothing else",
        "AzureML Data Scientist",
    ),
    Persona(
        # No `computes/write`: it resizes, but creates as well.
        "operator",
        _actions("read", "computes/read", "computes/start/action", "computes/stop/action", "computes/restart/action"),
        (),
        "Starts, stops and restarts computes; sees no data",
        "AzureML Compute Operator",
    ),
)


def persona(name: str, *, strict_tracker: bool = False) -> Persona:
    """The persona of that name.

    Args:
        name: its name.
        strict_tracker: take `jobs/write` from the tracker. The submitter keeps it: it cannot submit without.

    Raises:
        UnknownPersona: there is none.
    """
    for found in PERSONAS:
        if found.name == name:
            if strict_tracker and name == "tracker":
                return replace(found, actions=tuple(each for each in found.actions if each not in _JOBS_WRITE))
            return found
    raise UnknownPersona(_unknown("persona", name, [each.name for each in PERSONAS]))


def combined(text: str, *, strict_tracker: bool = False) -> tuple[Persona, ...]:
    """The personas that a text combines: `tracker`, or `tracker+registrar` (a comma does as well); each once.

    Raises:
        UnknownPersona: one of them is none.
    """
    names = dict.fromkeys(word.strip() for word in text.replace(",", "+").split("+"))
    return tuple(persona(name, strict_tracker=strict_tracker) for name in names)


def union(personas: Iterable[Persona]) -> Persona:
    """Several personas as one: everything that any of them allows, in the order of the table, nothing twice."""
    found = tuple(personas)
    if len(found) == 1:
        return found[0]
    return Persona(
        "+".join(each.name for each in found),
        tuple(dict.fromkeys(action for each in found for action in each.actions)),
        tuple(dict.fromkeys(role for each in found for role in each.storage_roles)),
        "; ".join(each.summary for each in found),
        " + ".join(dict.fromkeys(each.nearest for each in found)),
    )


def least_persona(actions: Iterable[str]) -> str | None:
    """The name of the persona with the fewest actions that has all of these; None if none has."""
    wanted = tuple(actions)
    able = [each for each in PERSONAS if all(permits(each.permissions, action, False)[0] for action in wanted)]
    return min(able, key=lambda each: len(each.actions)).name if able else None


def built_in_role(name: str) -> BuiltInRole:
    """The built-in role of that name.

    Raises:
        UnknownRole: Azure has none.
    """
    found = builtin.named(name)
    if found is None:
        raise UnknownRole(f"unknown built-in role '{name}'{_nearest(name, builtin.names())}")
    return found


def _unknown(kind: str, name: str, known: Sequence[str]) -> str:
    return f"unknown {kind} '{name}'{_nearest(name, known)} There are: {', '.join(known)}"


def _nearest(name: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name.lower(), [each.lower() for each in known], n=1, cutoff=0.5)
    return next((f"; did you mean '{each}'?" for each in known if each.lower() in nearest), ".")


def custom_role_name(persona: str, resource_group_id: str) -> str:
    """The name of a persona's custom role in a resource group: names of custom roles are unique in a tenant.

    Raises:
        InvalidScope: the id is not an ARM id.
    """
    group = scopes.parse(resource_group_id).name
    digest = hashlib.sha256(scopes.key(resource_group_id).encode()).hexdigest()[:8]
    return f"azmlflow {persona} ({group}-{digest})"


def custom_role_guid(persona: str, resource_group_id: str) -> str:
    """The GUID of a persona's custom role in a resource group, lower case; the same for the group's id in any case."""
    return str(uuid.uuid5(NAMESPACE, f"{scopes.key(resource_group_id)}\n{persona.lower()}"))
