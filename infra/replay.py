"""The program, told what the state has: whether it declares all of that, and nothing else, as the engine would find.

What a resource is declared as is held against the entry that the state has of it, by all that the engine keeps of one.
Where both are the same, the program hears what was answered last, as the engine has it hear (a step `same`). What is
not known here counts as a difference: then only the engine can tell.

Source: how Pulumi's engine 3.259 makes an entry of a declaration (pkg/resource/deploy: source_eval.go and
step_generator.go), and when it writes one anew (pkg/backend/snapshot.go: mustWrite); the entries are ResourceV3 in
sdk/go/common/apitype.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf import json_format
from pulumi.runtime import rpc
from pulumi.runtime.proto import resource_pb2

from azmlflow.infra.__main__ import declare
from azmlflow.infra.rehearsal import Rehearsal, play, struct
from azmlflow.resourcetypes.inputs import without
from azmlflow.resourcetypes.table import UnknownType, of_token

Entry = Mapping[str, Any]
_PACKAGE = "azure-native"
_PROVIDER = f"pulumi:providers:{_PACKAGE}"
_CALLER = f"{_PACKAGE}:authorization:getClientConfig"
# Of an entry: when and where in the program it came to be, and what the cloud answered. That decides no change.
_NOTES = frozenset(("created", "modified", "sourcePosition", "stackTrace", "id", "outputs"))
# Of a declaration: what an entry keeps as it was said; what it is made of; how a change would be made; how both sides
# of the connection talk. Anything else that is said is not known here.
_HANDED_DOWN = ("protect", "retainOnDelete", "deletedWith")  # to children that say nothing of it
_KEPT = (*_HANDED_DOWN, "ignoreChanges", "replaceOnChanges", "additionalSecretOutputs")
_MADE_OF = ("type", "name", "parent", "custom", "object", "dependencies", "propertyDependencies", "version", "hooks")
_OF_CHANGES = ("deleteBeforeReplace", "deleteBeforeReplaceDefined", "aliases", "aliasURNs")
_OF_TALK = (
    "acceptSecrets",
    "acceptResources",
    "accepts_byte_string",
    "aliasSpecs",
    "sourcePosition",
    "stackTrace",
    "supportsPartialValues",
    "supportsResultReporting",
)
_KNOWN = frozenset((*_KEPT, *_MADE_OF, *_OF_CHANGES, *_OF_TALK))
_PLAIN_WAY = re.compile(r"[A-Za-z0-9]+(\.[A-Za-z0-9]+)*")


def differences(
    config: Mapping[str, Any],
    entries: Sequence[Entry],
    *,
    project: str,
    stack: str,
    subscription: str,
    tenant: str,
    program: Callable[[], None] = declare,
) -> tuple[str, ...]:
    """Why an engine might not find the program and the state the same, a line for each; empty if it would.

    Args:
        config: the stack's, as its file has it, namespaces included.
        entries: the state's, as a backend's file has them: what is secret in them is encrypted.
        project: Pulumi's project.
        stack: the stack's name.
        subscription: id of the subscription.
        tenant: id of the directory.
        program: the program.

    Raises:
        Exception: whatever the program raises.
    """
    monitor = _Replay(project, stack, {"subscriptionId": subscription, "tenantId": tenant}, entries, config)
    play(program, monitor, config, project=project, stack=stack)
    return monitor.differences()


def differing(wanted: Entry, kept: Entry) -> tuple[str, ...]:
    """The fields in which an entry is not the one that would be written; all that the latter has not among them.

    Secrets, whose ciphers tell nothing, always differ.
    """
    one, other = _said(wanted), _said(kept)
    pairs = {name: (one.get(name), other.get(name)) for name in {**one, **other}}
    return tuple(sorted(name for name, (new, old) in pairs.items() if new != old or _special(new)))


class _Replay(Rehearsal):
    """Answers with what the state has, as long as that is what is declared."""

    def __init__(
        self,
        project: str,
        stack: str,
        caller: Mapping[str, str],
        entries: Sequence[Entry],
        config: Mapping[str, Any],
    ) -> None:
        super().__init__(project, stack, caller, lambda *_: "")
        self._there = {str(each.get("urn")): each for each in entries}
        self._providers = f"urn:pulumi:{stack}::{project}::{_PROVIDER}::default_"
        # The engine hands a package's settings to its provider.
        self._settings = {k.partition(":")[2]: v for k, v in config.items() if k.startswith(f"{_PACKAGE}:")}
        self._found = [] if len(self._there) == len(entries) else ["two entries have one name"]
        self._said: dict[str, dict[str, Any]] = {}
        self._met: set[str] = set()
        self._told: set[str] = set()

    def differences(self) -> tuple[str, ...]:
        """What was found, and what of the state was not declared, or does not tell any more what it told."""
        left = [f"{urn} is not declared" for urn in self._there if urn not in self._met]
        silent = [
            f"{urn} tells nothing any more"
            for urn, entry in self._there.items()
            if not entry.get("custom") and entry.get("outputs") and urn not in self._told
        ]
        return tuple(dict.fromkeys((*self._found, *left, *silent)))

    def Invoke(self, request: Any) -> Any:
        """Who the program runs as; all else is the cloud's to tell, and may have changed."""
        if request.tok != _CALLER or request.provider:
            self._found.append(f"the program asks {request.tok}")
        self._provider(request.version)
        return super().Invoke(request)

    def ReadResource(self, request: Any) -> Any:
        """What others keep, and the engine looks at each time."""
        raise NotImplementedError(f"the program reads {request.name}")

    def RegisterResource(self, request: Any) -> Any:
        """A resource as it stands, if that is what is declared."""
        made_up = super().RegisterResource(request)
        urn = self.urn(request)
        entry = self._there.get(urn, {})
        inputs, before = json_format.MessageToDict(request.object), entry.get("inputs") or {}
        self._met.add(urn)
        differs = [field.name for field, _ in request.ListFields() if field.name not in _KNOWN]
        differs += [f"ignoreChanges: {way}" for way in request.ignoreChanges if not _PLAIN_WAY.fullmatch(way)]
        if request.custom:  # what the provider's check adds
            inputs = {name: before[name] for name in ("location",) if name in before} | inputs
            try:
                inputs["azureApiVersion"] = of_token(request.type).api_version
            except UnknownType:
                differs.append("type")
        # Of what it ignores changes of, the engine takes what the state has.
        ignored = [way.split(".") for way in request.ignoreChanges]
        wanted = {**self._entry(urn, request), "inputs": without(inputs, ignored)}
        differs += differing(wanted, {**entry, "inputs": without(before, ignored)})
        if differs:
            self._found.append(f"{urn} differs in {', '.join(differs)}")
            return made_up
        answered = struct(_opened(entry.get("outputs") or {}))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=str(entry.get("id") or ""), object=answered)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        """What a component, or the stack, tells."""
        self._told.add(request.urn)
        told = json_format.MessageToDict(request.outputs)
        if told != (self._there.get(request.urn, {}).get("outputs") or {}) or _special(told):
            self._found.append(f"{request.urn} tells something else")
        return super().RegisterResourceOutputs(request)

    def _entry(self, urn: str, request: Any) -> dict[str, Any]:
        """The entry that the engine would write, but for its inputs."""
        depends = {name: list(each.urns) for name, each in request.propertyDependencies.items()}
        said = {field.name: value for field, value in request.ListFields() if field.name in _KEPT}
        above = self._said.get(request.parent, {})
        kept = {name: above[name] for name in _HANDED_DOWN if name in above} | {
            name: value if isinstance(value, bool | str) else list(value) for name, value in said.items()
        }
        self._said[urn] = kept
        return {
            "urn": urn,
            "custom": request.custom,
            "type": request.type,
            "parent": request.parent,
            "dependencies": list(request.dependencies),
            # An older SDK says none: then each property is of all of them.
            "propertyDependencies": depends or {name: list(request.dependencies) for name in request.object.fields},
            "provider": self._provider(request.version) if request.custom else "",
            "resourceHooks": {
                field.name.title().replace("_", ""): list(names) for field, names in request.hooks.ListFields()
            },
            **kept,
        }

    def _provider(self, version: str) -> str:
        """The reference of the provider that the engine makes by itself for a version of the package."""
        urn = self._providers + version.replace(".", "_")
        entry, inputs = self._there.get(urn, {}), {"__internal": {}, "version": version, **self._settings}
        self._met.add(urn)
        wanted = {"urn": urn, "custom": True, "type": _PROVIDER, "inputs": inputs}
        self._found += [f"{urn} differs in {name}" for name in differing(wanted, entry)]
        return f"{urn}::{entry.get('id')}"


def _said(entry: Entry) -> dict[str, Any]:
    """The fields that say something, lists whose order says nothing in one order."""
    found = {name: value for name, value in entry.items() if name not in _NOTES and value}
    if "dependencies" in found:
        found["dependencies"] = sorted(set(found["dependencies"]))
    if "propertyDependencies" in found:
        each = found["propertyDependencies"].items()
        found["propertyDependencies"] = {name: sorted(set(urns or ())) for name, urns in each}
    return found


def _special(value: Any) -> bool:
    """Whether anything in it is more than plain data: a secret, a file, a resource."""
    if isinstance(value, Mapping):
        return rpc._special_sig_key in value or any(map(_special, value.values()))
    return isinstance(value, list) and any(map(_special, value))


def _opened(value: Any) -> Any:
    """Outputs as the program may hear them: a secret stays one, of which nothing is known."""
    if isinstance(value, Mapping):
        if rpc._special_sig_key in value:
            return {rpc._special_sig_key: rpc._special_secret_sig, "value": ""}
        return {name: _opened(each) for name, each in value.items()}
    return [_opened(each) for each in value] if isinstance(value, list) else value
