"""What counts as access when it is compared: what opens MLflow's operations, or the data in the storage account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from azmlflow.rbac.report.access import ACTIONS, COLUMNS


@dataclass(frozen=True)
class Subject:
    """What is compared.

    Attributes:
        actions: the actions that count as access.
        data: whether they are data actions.
        opens: names, for people, of what some of them open.
    """

    actions: tuple[str, ...]
    data: bool
    opens: Callable[[Iterable[str]], tuple[str, ...]]


def operations_of(actions: Iterable[str]) -> tuple[str, ...]:
    """The matrix's operations that need one of these actions."""
    wanted = set(actions)
    return tuple(each.operation.name for each in COLUMNS if wanted.intersection(each.operation.actions))


def data_of(actions: Iterable[str]) -> tuple[str, ...]:
    """What data actions on a storage account open."""
    wanted = set(actions)
    return tuple(name for name, action in _DATA.items() if action in wanted)


# Data actions (Microsoft, "Azure permissions for Storage"). Reading an account's keys, which open all of it, is an
# action on the account and not compared here.
_ACCOUNTS = "Microsoft.Storage/storageAccounts"
_DATA: Mapping[str, str] = {
    f"{verb}_{what}": f"{_ACCOUNTS}/{path}/{verb}"
    for what, path in (("blobs", "blobServices/containers/blobs"), ("files", "fileServices/fileshares/files"))
    for verb in ("read", "write", "delete")
}
MLFLOW = Subject(ACTIONS, False, operations_of)
STORAGE = Subject(tuple(_DATA.values()), True, data_of)
