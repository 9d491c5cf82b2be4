"""Collects the operations that custom roles may name, for `localazure/data/operations.json`.

    python scripts/azure_operations.py LISTED FOLDER...

Azure's own list is `az provider operation list`; where one was had, it is LISTED (`[{"name", "isDataAction"}]`; several
with commas between). To it come the operations that Azure's built-in roles name, those of MLflow, and what Microsoft's
clients in each FOLDER (azure-cli's, azure-ai-ml's) ask for: GET is `read`, PUT and PATCH `write`, DELETE `delete`, a
POST an `action`. Of the providers of the embedded Azure's kinds all of these are kept; of others only that they exist.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from azmlflow.localazure.kinds import KINDS
from azmlflow.rbac import builtin
from azmlflow.rbac.operations import OPERATIONS
from azmlflow.rbac.roles import PERSONAS

HELD = tuple(sorted({kind.namespace for kind in KINDS}))
_INTO = Path(__file__).parent.parent / "localazure" / "data" / "operations.json"
_URL = re.compile(r"[\"'](/[^\"'\s]*(?:providers/Microsoft\.|subscriptions/\{)[^\"'\s]*)[\"']")
_METHOD = re.compile(r"(?:method=|return )[\"'](GET|HEAD|PUT|PATCH|POST|DELETE)[\"']")
_NAMESPACE = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9]+)+")
# Data actions, as Microsoft's pages list them: "Azure permissions for Storage" and "... for Security".
_PAGES = {
    "Microsoft.Storage/storageAccounts": {
        "blobServices/containers/blobs": "read write delete deleteBlobVersion/action permanentDelete/action add/action "
        "filter/action move/action manageOwnership/action modifyPermissions/action runAsSuperUser/action",
        "blobServices/containers/blobs/tags": "read write",
        "blobServices/containers/blobs/immutableStorage": "runAsSuperUser/action",
        "fileServices": "readFileBackupSemantics/action writeFileBackupSemantics/action takeOwnership/action",
        "fileServices/fileshares/files": "read write delete modifypermissions/action actassuperuser/action",
        "queueServices/queues/messages": "read write delete add/action process/action",
        "tableServices/tables/entities": "read write delete add/action update/action",
    },
    "Microsoft.KeyVault/vaults": {
        "keys": "read delete update/action create/action import/action recover/action restore/action backup/action "
        "purge/action encrypt/action decrypt/action wrap/action unwrap/action sign/action verify/action release/action "
        "rotate/action",
        "keyrotationpolicies": "read write",
        "secrets": "delete backup/action purge/action update/action recover/action restore/action readMetadata/action "
        "getSecret/action setSecret/action",
        "certificates": "read delete backup/action purge/action update/action create/action import/action "
        "recover/action restore/action",
        "certificatecas": "read write delete",
        "certificatecontacts": "write",
        "storageaccounts": "read set/action delete backup/action purge/action restore/action recover/action "
        "regeneratekey/action",
        "storageaccounts/sas": "set/action delete",
    },
}
_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}


def requested(folder: Path) -> Iterator[str]:
    """The operations of the requests that clients below a folder make."""
    for path in folder.rglob("*.py"):
        # What azure-ai-ml asks of the data plane follows other rules than Resource Manager's.
        if "aio" in path.parts or re.search(r"dataplane|runhistory|registry_discovery|/mfe", str(path)):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if "/providers/Microsoft." not in text and "/subscriptions/{" not in text:
            continue
        for part in re.split(r"\n(?=def |class |    class )", text):
            methods = set(_METHOD.findall(part))
            for url in set(_URL.findall(part)) if methods else ():
                yield from (found for method in methods if (found := operation(method, url)))


def operation(method: str, url: str) -> str | None:
    """`Microsoft.Storage/storageAccounts/listKeys/action` of a POST's URL; None for what is not a resource's."""
    below = url.rstrip("/").rpartition("/providers/")[2] if "/providers/" in url else f"Microsoft.Resources{url}"
    namespace, *path = [segment for segment in below.split("/") if segment]
    if not namespace.startswith("Microsoft.") or not path:
        return None
    action = path.pop() if method == "POST" and len(path) % 2 else ""
    named = [*path[::2], *((action,) if action else ())]
    if not named or any("{" in part for part in named):
        return None
    return "/".join((namespace, *named, _VERBS[method]))


def collect(listed: list[str], folders: list[str]) -> dict[str, object]:
    """The document."""
    names: set[tuple[str, bool]] = set()
    for path in filter(None, listed):
        names |= {(each["name"], each["isDataAction"]) for each in json.loads(Path(path).read_text(encoding="utf-8"))}
    for role in builtin.every():
        for block in role.permissions:
            names |= {(name, False) for name in (*block.actions, *block.not_actions)}
            names |= {(name, True) for name in (*block.data_actions, *block.not_data_actions)}
    for actions in (*(each.actions for each in OPERATIONS), *(each.actions for each in PERSONAS)):
        names |= {(action, False) for action in actions}
    for top, types in _PAGES.items():
        names |= {(f"{top}/{type_}/{verb}", True) for type_, verbs in types.items() for verb in verbs.split()}
    names |= {(name, False) for folder in folders for name in requested(Path(folder))}
    held = {namespace.lower() for namespace in HELD}
    spelt = {namespace.lower(): namespace for namespace in HELD}
    kept: dict[bool, dict[str, set[str]]] = {False: defaultdict(set), True: defaultdict(set)}
    for name, data in sorted(names):
        namespace, _, rest = name.partition("/")
        if _NAMESPACE.fullmatch(namespace) is None:
            continue
        spelt.setdefault(namespace.lower(), namespace)
        type_, _, verb = rest.rpartition("/")
        if namespace.lower() in held and "*" not in name and verb.lower() in _VERBS.values():
            kept[data][f"{namespace}/{type_}".lower()].add(verb.lower())
    return {
        "source": "scripts/azure_operations.py: Azure's built-in roles of 2026-08-22, azure-cli 2.91, azure-ai-ml 1.35",
        "providers": sorted(spelt.values(), key=str.lower),
        "held": list(HELD),
        "actions": {type_: " ".join(sorted(verbs)) for type_, verbs in sorted(kept[False].items())},
        "dataActions": {type_: " ".join(sorted(verbs)) for type_, verbs in sorted(kept[True].items())},
    }


if __name__ == "__main__":
    text = json.dumps(collect(sys.argv[1].split(","), sys.argv[2:]), indent=1)
    _INTO.write_text(text + "\n", encoding="utf-8")
