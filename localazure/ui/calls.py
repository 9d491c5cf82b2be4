"""What MLflow's page asks, and which operation of `rbac.operations` each request is.

Requests that Azure ML has too go the way of the data plane, `azureml.tracking`. What is listed here is what the page of
MLflow 3 asks beyond them, found by driving it: it reads, and is answered on this route only, since Azure ML's own data
plane answers it with 404. Writes that Azure ML does not have (traces, prompts, gateways, review queues, ...) are
404 here too.
"""

from __future__ import annotations

import re

# (method, path after `ajax-api/<version>/mlflow/`, operations all of which are needed). Logged models are outputs of
# runs and shown like runs and models; traces and datasets belong to an experiment's runs. Inferred: Azure has none.
READS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("POST", "logged-models/search", ("search_runs",)),
    ("GET", "logged-models/{id}", ("search_runs",)),
    ("GET", "metrics/get-history-bulk", ("read_runs",)),
    ("POST", "experiments/search-datasets", ("read_runs",)),  # as Azure ML has it; MLflow answers it at this path only
    ("POST", "traces/search", ("read_runs",)),
    ("POST", "traces/metrics", ("read_runs",)),
    ("GET", "traces", ("read_runs",)),
    ("POST", "datasets/search", ("read_runs",)),
    ("GET", "scorers/list", ("read_experiments",)),
)
# Asked of no workspace: how the server is set up. It holds nothing that anybody made.
OPEN: tuple[tuple[str, str], ...] = (("GET", "server-info"), ("GET", "ui-telemetry"))

# Fields of MLflow's GraphQL that read, and the operation that each is. A root field that is not here is refused.
ROOT_FIELDS = {
    "mlflowGetExperiment": "read_experiments",
    "mlflowGetRun": "read_runs",
    "mlflowGetMetricHistoryBulkInterval": "read_runs",
    "mlflowSearchRuns": "search_runs",
    "mlflowSearchModelVersions": "read_models",
}
# Below the root MLflow looks further things up for these.
INNER_FIELDS = {"experiment": "read_experiments", "modelVersions": "read_models"}


class NotAnswered(ValueError):
    """A GraphQL document that asks for something else than what is read here."""


def reading(method: str, path: str) -> tuple[str, ...] | None:
    """The operations that a request beyond Azure ML's own needs; None if it is none that is answered.

    Args:
        method: HTTP method.
        path: after `ajax-api/<version>/mlflow/`.
    """
    if (method, path) in OPEN:
        return ()
    for each, template, needed in READS:
        if method == each and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return needed
    return None


def asked(text: str) -> tuple[str, ...]:
    """The operations that a GraphQL document needs.

    Raises:
        NotAnswered: it is not a single query, or asks at its root for what is not answered.
    """
    # Imported late: it takes a while, and whoever never opens a page need not wait for it.
    from graphql import FieldNode, GraphQLError, OperationDefinitionNode, Visitor, parse, visit

    try:
        document = parse(text, max_tokens=5000)
    except GraphQLError as error:
        raise NotAnswered("the document is not GraphQL") from error
    queries = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if len(queries) != 1 or queries[0].operation.value != "query":
        raise NotAnswered("only a single query is answered")
    needed: dict[str, None] = {}
    for field in queries[0].selection_set.selections:
        name = field.name.value if isinstance(field, FieldNode) else "a fragment"
        if name not in ROOT_FIELDS and name != "__typename":
            raise NotAnswered(f"'{name}' is not answered")
        if name in ROOT_FIELDS:
            needed[ROOT_FIELDS[name]] = None

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            if node.name.value in INNER_FIELDS:
                needed[INNER_FIELDS[node.name.value]] = None

    visit(document, Fields())
    return tuple(needed)
