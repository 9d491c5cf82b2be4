"""Stand-ins for the engine, ARM and the directory, and a desk that drives the command line over them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from azmlflow.cli import main
from azmlflow.cli.azure.caller import SignedIn
from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.words import Say
from azmlflow.cli.project.hold import Holder
from azmlflow.cli.project.project import Project, StackFile
from azmlflow.cli.pulumi.changes import Change, OnChange, Outcome
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.pulumi.stack import Import, Stack
from azmlflow.cli.session.collaborators import Collaborators, Person
from azmlflow.cli.session.invocation import Invocation
from azmlflow.infra.plan.identifiers import Place
from azmlflow.infra.settings.settings import Settings
from azmlflow.rbac.grants import Grant
from azmlflow.rbac.live.people import Tenant
from tests.cli.wire import ENDPOINT, Credential, Response, Wire, answer, told

SUBSCRIPTION = "00000000-0000-4000-8000-00000000000a"
GROUP, WORKSPACE = "rg-mlflow-local", "mlw-mlflow-local"
GROUP_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
WORKSPACE_ID = f"{GROUP_ID}/providers/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"
OUTPUTS: dict[str, Any] = {
    "subscriptionId": SUBSCRIPTION,
    "resourceGroup": GROUP,
    "workspaceName": WORKSPACE,
    "workspaceId": WORKSPACE_ID,
    "trackingUri": f"azureml://westeurope.api.azureml.ms/mlflow/v1.0{WORKSPACE_ID}",
    "studioUrl": "https://ml.azure.com/?wsid=x",
    "storageAccount": Settings.from_mapping({}).names("local", SUBSCRIPTION).storage_account,
    "clusters": [],
    "grants": [],
}
DEVELOPER = SignedIn("00000000-0000-4000-8000-0000000000d1", "developer@local.test", "t1")
ALICE = Person("00000000-0000-4000-8000-0000000000a1", "User", "alice@local.test")


def assignment_id(place: Place, persona: str, principal_id: str) -> str:
    """ARM id of the role assignment of a grant at the workspace."""
    return place.assignment(Grant(principal_id, "", "", persona)).id


@dataclass
class FakeStack:
    """A stack in memory: what commands ask of it is written down."""

    name: str = "local"
    there: bool = False
    held: State = field(default_factory=State)
    planned: tuple[Change, ...] = ()
    calls: list[str] = field(default_factory=list)
    imported: list[Import] = field(default_factory=list)
    fault: Exception | None = None
    locked: Exception | None = None
    unread: Exception | None = None

    def exists(self) -> bool:
        return self.there

    def create(self) -> None:
        self.there = True
        self.calls.append("create")

    def state(self) -> State:
        if self.unread:
            raise self.unread
        return self.held

    def open_secrets(self) -> None:
        if self.locked:
            raise self.locked

    def up(
        self, on_change: OnChange | None = None, targets: Sequence[str] = (), *, without: Sequence[str] = ()
    ) -> Outcome:
        spared = f" without {' '.join(each.rsplit('::', 1)[-1] for each in without)}" if without else ""
        self.calls.append(f"up {' '.join(targets)}".strip() + spared)
        if self.fault:
            raise self.fault
        changes = tuple(change for change in self.planned if not targets or change.urn in targets)
        if on_change:
            for change in changes:
                on_change(change)
        self.held = State(self.held.resources, self.held.components, OUTPUTS)
        self.planned = tuple(change for change in self.planned if change not in changes)
        summary = {change.operation: 1 for change in changes} or {"same": 9}
        return Outcome(changes, OUTPUTS, (), summary, 1.0)

    def preview(self, on_change: OnChange | None = None) -> Outcome:
        self.calls.append("preview")
        return Outcome(self.planned, {}, (), {"same": 9}, 1.0)

    def destroy(self, on_change: OnChange | None = None) -> Outcome:
        self.calls.append("destroy")
        if self.fault:
            raise self.fault
        changes = tuple(
            Change(entry.urn, entry.type, entry.urn.rsplit("::", 1)[-1], "delete", "done", 1.5, id=entry.id)
            for entry in self.held.resources
        )
        for change in changes if on_change else ():
            on_change(change)  # type: ignore[misc]
        self.held = State()
        return Outcome(changes)

    def import_resources(self, resources: Sequence[Import]) -> None:
        self.calls.append("import")
        self.imported += resources

    def clear_pending(self) -> None:
        self.calls.append("clear")
        self.held = State(self.held.resources, self.held.components, self.held.outputs)

    def forget(self, urns: Collection[str]) -> None:
        self.calls.append(f"forget {' '.join(each.rsplit('::', 1)[-1] for each in urns)}")
        left = tuple(each for each in self.held.resources if each.urn not in urns)
        self.held = State(left, self.held.components, self.held.outputs)

    def unprotect(self, urns: Collection[str]) -> None:
        self.calls.append(f"unprotect {' '.join(each.rsplit('::', 1)[-1] for each in urns)}")

    def refresh(self, urns: Collection[str]) -> None:
        self.calls.append(f"refresh {' '.join(each.rsplit('::', 1)[-1] for each in urns)}")

    def cancel(self) -> None:
        self.calls.append("cancel")

    def remove(self, *, force: bool = False) -> None:
        self.calls.append("remove --force" if force else "remove")
        assert force or not self.held.resources, "the engine refuses: there is something in it"
        self.there, self.held = False, State()


@dataclass
class FakeArm:
    """Resource Manager in memory, reached over a wire: documents by lower-case id; changes are written down.

    What is deleted is gone a minute after that was accepted, but for locks, roles and assignments, which go at once.
    """

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    faults: dict[str, ArmError] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    time: datetime | None = None
    subscription: dict[str, Any] = field(default_factory=lambda: {"state": "Enabled", "tenantId": "t1"})
    going: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    log_refusal: Response | None = None
    log_readable: tuple[str, ...] = ("resourceProvider", "resourceGroupName")

    def put(self, path: str, **document: Any) -> None:
        self.documents[path.lower()] = {"id": path, "name": path.rsplit("/", 1)[-1], **document}

    def get(self, path: str) -> dict[str, Any] | None:
        if path == f"/subscriptions/{SUBSCRIPTION}":
            return self.subscription and {"id": path, **self.subscription}
        found = self.documents.get(path.lower())
        if found is None and re.fullmatch(r"/subscriptions/[^/]+/providers/[^/]+", path):
            return {"id": path, "registrationState": "Registered"}  # as in a subscription that is in use
        return found

    def list(self, path: str) -> Iterable[dict[str, Any]]:
        below = f"{path.lower()}/"
        if below.endswith("/permissions/") and not any(key.startswith(below) for key in self.documents):
            return [{"actions": ["*"], "notActions": []}]  # an Owner's
        for collection in ("/roleassignments/", "/deletedvaults/"):
            if below.endswith(collection):
                return [doc for key, doc in list(self.documents.items()) if collection in key]
        if below.endswith(locks := "/providers/microsoft.authorization/locks/"):
            within = below.removesuffix(locks)
            return [doc for key, doc in list(self.documents.items()) if key.startswith(f"{within}/") and locks in key]
        if (
            below.endswith("/providers/microsoft.machinelearningservices/workspaces/")
            and "/resourcegroups/" not in below
        ):
            return [doc for key, doc in list(self.documents.items()) if re.search(r"/workspaces/[^/]+$", key)]
        if below.endswith("/resources/"):
            inside = below.removesuffix("resources/")
            return [doc for key, doc in list(self.documents.items()) if key.startswith(inside) and "type" in doc]
        return [doc for key, doc in list(self.documents.items()) if key.startswith(below)]

    def delete(self, path: str, query: str) -> Response:
        self.calls.append(f"DELETE {path}{f'?{query}' if query else ''}")
        if path.lower() not in self.documents:
            return answer(204)
        if "/providers/Microsoft.Authorization/" in path:
            del self.documents[path.lower()]
            return answer(200)
        operation = f"/subscriptions/{SUBSCRIPTION}/operationresults/{len(self.calls)}"
        self.going[operation] = path.lower()
        return answer(202, None, {"Location": f"{ENDPOINT}{operation}?looks=0"})

    def write(self, path: str, document: dict[str, Any], query: str) -> Response:
        self.calls.append(f"PUT {path}{f'?{query}' if query else ''}")
        self.put(path, **document)
        return answer(200, self.documents[path.lower()])

    def post(self, path: str, question: dict[str, Any]) -> dict[str, Any] | None:
        target, _, action = path.rpartition("/")
        if action == "cancel":
            self.calls.append(f"POST {path}")
            self.documents[target.lower()]["properties"]["status"] = "Canceled"
            return {}
        if action == "purge":
            self.calls.append(f"POST {path}")
            return {} if self.documents.pop(target.lower(), None) else None
        self.asked.append((path, question))
        if action == "register":
            self.documents[target.lower()]["registrationState"] = "Registering"
            return self.documents[target.lower()]
        return self.answers.get(path)

    def respond(self, request: Any) -> Response:
        """What Azure answers over HTTPS."""
        split = urlsplit(request.url)
        if split.netloc != "management.azure.com":
            return _one(self.answers.get(request.url if request.method == "GET" else request.url.partition("?")[0]))
        path = split.path.replace("/resourcegroups", "/resourceGroups")  # as some of Microsoft's clients write it
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        try:
            if path in self.going:
                return self._look(path, query["looks"] == "0")
            assert query.pop("api-version", None), request.url
            if request.method == "PUT" and path not in self.faults:
                return self.write(path, told(request) or {}, "&".join(f"{key}={value}" for key, value in query.items()))
            return self._respond(request.method, path, query, told(request) or {})
        except ArmError as fault:
            return answer(fault.status, {"error": {"code": fault.code, "message": fault.message}})

    def _respond(self, method: str, path: str, query: dict[str, str], question: dict[str, Any]) -> Response:
        if path.endswith("/Microsoft.Insights/eventtypes/management/values"):
            return self._log(query["$filter"])
        if method == "GET" and path.count("/") % 2:
            date = {"Date": format_datetime(self.time, usegmt=True)} if self.time else {}
            return answer(200, {"value": list(self.list(path))}, date)
        if method == "GET":
            return _one(self.get(path))
        if path in self.faults:
            raise self.faults[path]
        if method == "DELETE":
            return self.delete(path, "&".join(f"{name}={value}" for name, value in query.items()))
        return _one(self.post(path, question))

    def _log(self, filter_: str) -> Response:
        """The activity log, for who may read it as it is asked for."""
        self.filters.append(filter_)
        if self.log_refusal is not None:
            return self.log_refusal
        if not any(f" {name} eq " in filter_ for name in self.log_readable):
            raise ArmError(403, "AuthorizationFailed", "may not", "")
        return answer(200, {"value": self.events})

    def _look(self, operation: str, first: bool) -> Response:
        if first:
            return answer(202, None, {"Location": f"{ENDPOINT}{operation}?looks=1", "Retry-After": "60"})
        self.documents.pop(self.going.pop(operation), None)
        return answer(200)

    def open(self) -> ResourceManager:
        """The client of it that commands use."""
        return ResourceManager(Wire(self.respond), Credential())


def _one(document: dict[str, Any] | None) -> Response:
    error = {"error": {"code": "NotFound", "message": "It is not there."}}
    return answer(404, error) if document is None else answer(200, document)


@dataclass
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Desk:
    """A checkout and everything behind it, in reach of a test."""

    root: Path
    stack: FakeStack
    arm: FakeArm
    environment: dict[str, str]
    people: dict[str, Person]
    entered: list[str]
    executed: list[tuple[list[str], dict[str, str]]]
    read: Callable[[], tuple[str, str]]
    permitted: list[frozenset[str]] = field(default_factory=list)
    exit_code: int = 0
    browser: bool = True
    browsed: list[str] = field(default_factory=list)
    caller: SignedIn = field(default_factory=lambda: DEVELOPER)

    @property
    def project(self) -> Project:
        return Project(self.root, "azmlflow")

    def run(self, *words: str) -> Done:
        """Type `azmlflow WORDS`; a traceback never reaches the user."""
        code = main.run(list(words), Invocation(connect=self.connect))
        out, err = self.read()
        assert "Traceback" not in err
        return Done(code, out, err)

    def connect(self) -> Collaborators:
        def enter(project: Project, stack: StackFile, say: Say) -> None:
            self.entered.append(stack.name)

        def open_stack(project: Project, stack: StackFile, holder: Holder | None, say: Say) -> Stack:
            self.stack.name = stack.name
            if holder:
                holder.engine(2**22 + 1)  # an engine that is dead by now: above every process id there is
            return self.stack

        def permitted(project: Project, stack: StackFile, grant: Grant, scope: str) -> frozenset[str] | None:
            return self.permitted.pop(0) if self.permitted else None

        def find(name: str, kind: str | None) -> Person:
            if name not in self.people:
                raise CliError(f"nobody is called `{name}`", next="azmlflow local user list")
            return self.people[name]

        def execute(command: list[str], environment: dict[str, str]) -> int:
            self.executed.append((command, environment))
            return self.exit_code

        def browse(address: str) -> bool:
            self.browsed.append(address)
            return self.browser

        def read_tenant(_subscription: str, _scope: str, _also: tuple[str, ...]) -> Tenant:
            raise AssertionError("a test of access hands in its own tenant")

        return Collaborators(
            environment=self.environment,
            enter=enter,
            visit=enter,
            open_stack=open_stack,
            open_arm=self.arm.open,
            permitted=permitted,
            find_person=find,
            whoami=lambda: self.caller,
            read_tenant=read_tenant,
            read_access=lambda _subscription, _scope: None,
            warm=lambda: None,
            execute=execute,
            browse=browse,
            sleep=lambda _: None,
            today=lambda: datetime.now(UTC).date(),
        )

    def settings(self, stack: str = "local", text: str = "config:\n  azmlflow:cloud: local\n") -> Path:
        """Write a stack's settings file."""
        path = self.root / f"Pulumi.{stack}.yaml"
        path.write_text(text)
        return path

    def stand_whole(self, *resources: Resource) -> None:
        """Make the stack stand, and its workspace with it."""
        token = "azure-native:machinelearningservices:Workspace"
        urn = f"urn:pulumi:local::azmlflow::azmlflow:index:MlflowWorkspace${token}::mlflow-workspace"
        self.arm.put(WORKSPACE_ID, type="Microsoft.MachineLearningServices/workspaces")
        self.stand(*resources, Resource(urn, token, WORKSPACE_ID))

    def stand(self, *resources: Resource) -> None:
        """Make the stack stand."""
        self.stack.there = True
        self.stack.held = State(resources, (), OUTPUTS)
