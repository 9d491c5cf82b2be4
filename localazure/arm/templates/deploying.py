"""A template deployed: its resources are asked for as by the caller's own requests, all at once.

The whole is refused if a resource is, before anything is made (Azure's preflight), and ends with the operations that it
began. Source: Microsoft, "Understand the structure and syntax of ARM templates", "Troubleshoot common Azure deployment
errors". Inferred: that all refusals are preflight's, which on Azure depends on the provider.
"""

from __future__ import annotations

from azmlflow.localazure.activity import recording
from azmlflow.localazure.arm import lifecycle, versions
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.kinds import BY_TYPE
from azmlflow.localazure.kinds.templates import template
from azmlflow.localazure.kinds.templates.deployments import TEMPLATE_DEPLOYMENT
from azmlflow.localazure.resources import paths
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.kind import Kind


def deploy(ask: Ask) -> Answer:
    """PUT of a deployment.

    Raises:
        AzureError: 400 `InvalidTemplate`; `InvalidTemplateDeployment`, with what a resource is refused for; what any
            PUT is refused for.
    """
    began, made = ask.cloud.clock.now(), list[tuple[Ask, Answer]]()
    with ask.cloud.store.transaction():
        answer = lifecycle.write(ask, TEMPLATE_DEPLOYMENT)
        running: list[str] = []
        for resource in template.resources(ask.properties.get("template")):
            each, kind = _asked(ask, resource)
            try:
                made.append((each, lifecycle.write(each, kind)))
            except AzureError as refused:
                raise _refused(resource, refused) from refused
            operation = ask.cloud.operations.running(each.target.id)
            if operation is not None:
                running.append(operation["id"])
        ask.cloud.operations.follow(ask.target.id, running)
    for each, came in made:
        recording.record(each, "PUT", began, came)
    return answer


def _asked(ask: Ask, resource: template.Resource) -> tuple[Ask, Kind]:
    group = paths.group_id(ask.target)
    kind = BY_TYPE.get(resource.type.lower())
    # What another service keeps, and what only a process outside of the store ends.
    if kind is None or kind.elsewhere is not None or kind.verbs.put.held or kind is TEMPLATE_DEPLOYMENT:
        raise template.invalid(f"the embedded Azure deploys no '{resource.type}' by a template")
    target = paths.parse(resource.id_in(group), "PUT", versions.spelt)
    version = versions.required(resource.api_version)
    each = Ask(ask.cloud, ask.caller, target, {}, resource.body, version, ask.correlation_id)
    versions.check(each, "PUT")
    return each, kind


def _refused(resource: template.Resource, refused: AzureError) -> AzureError:
    name = "/".join(resource.names)
    if refused.status == 403:
        what = f"Authorization failed for template resource '{name}' of type '{resource.type}'. {refused.message}"
        return AzureError(403, "InvalidTemplateDeployment", f"Deployment failed with multiple errors: '{what}'")
    return bad_request(
        "InvalidTemplateDeployment",
        f"The template deployment is not valid: '{resource.type}' '{name}': {refused.code}: {refused.message}",
    )
