"""An online endpoint's own page, with a form to try it: a sample request, who answers, the answer, the same as curl."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.requests import Request

from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.ui import html, trying
from azmlflow.localazure.ui.pages.endpoints import shares
from azmlflow.localazure.ui.visit import Visit
from azmlflow.resourcetypes.bounds import NAMES
from azmlflow.scoring.asking import Asked, why
from azmlflow.scoring.sample import sample

_MOST = 256 * 1024  # bytes of a form: what somebody writes or pastes; a file is for `azmlflow score`
_ANY: Mapping[str, Any] = {"input_data": []}  # Azure's envelope for models that MLflow logged
_DEPLOYMENT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"
_MODEL = re.compile(r"/models/([^/]+)/versions/([^/]+)$")


async def read_form(request: Request) -> dict[str, str]:
    """What the form on this page sends.

    Raises:
        AzureError: 413, it is too large; 400, it is none.
    """
    told = f"A request that is tried here has at most {_MOST // 1024} KiB; azmlflow score sends larger ones."
    body = await spelling.received(request.stream(), _MOST, AzureError(413, "RequestEntityTooLarge", told))
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=10)
    except ValueError as error:
        raise AzureError(400, "BadRequest", "The form cannot be read.") from error
    return {name: values[0] for name, values in fields.items()}


async def show(visit: Visit, name: str, form: Mapping[str, str] | None) -> str:
    """The page.

    Args:
        visit: who looks.
        name: the endpoint's.
        form: a request to be sent first, `request` and `deployment`; None to look only.

    Raises:
        AzureError: there is no such endpoint, or it may not be read; 400, no deployment has such a name.
    """
    found = await visit.reader.get(f"{visit.id}/onlineEndpoints/{quote(name, safe='')}")
    told = found["properties"]
    facts = html.facts(
        (
            ("State", html.state(told["provisioningState"])),
            ("Sign-in", told["authMode"]),
            ("Traffic", shares(told.get("traffic"))),
            ("Scoring URI", html.Markup(f"<code>{html.cell(told['scoringUri'])}</code>")),
        )
    )
    wanted = (form if form is not None else visit.query).get("deployment", "")
    if wanted and not re.fullmatch(NAMES[_DEPLOYMENT], wanted):  # it would stand in a header, and in a shell's line
        raise AzureError(400, "BadRequest", f"'{wanted}' is no name of a deployment.")
    text = form.get("request", "") if form is not None else await _sample(visit, found, wanted)
    answer = await _answered(visit, found, text, wanted) if form is not None else ""
    back = '<div class="tools"><a href="../endpoints">All endpoints</a></div>'
    return back + facts + await _form(visit, found, text, wanted) + answer


async def _form(visit: Visit, endpoint: Document, text: str, wanted: str) -> str:
    try:
        listed = await visit.reader.all(f"{endpoint['id']}/deployments")
    except AzureError:
        listed = []
    names = sorted({*(str(each["name"]) for each in listed), *([wanted] if wanted else [])})
    options = '<option value="">by traffic</option>' + "".join(
        f"<option{' selected' if each == wanted else ''}>{html.cell(each)}</option>" for each in names
    )
    rows = min(20, max(6, text.count("\n") + 2))
    return (
        f'<h2>Try it</h2><form class="try" method="post" action="{quote(endpoint["name"])}">'
        '<label for="request">Request, in JSON</label>'
        f'<textarea id="request" name="request" rows="{rows}" spellcheck="false">{html.cell(text)}</textarea>'
        '<div class="tools"><label>Answered <select name="deployment">'
        f'{options}</select></label><button class="first">Send</button></div></form>'
    )


async def _sample(visit: Visit, endpoint: Document, wanted: str) -> str:
    """A request that fits the model's signature; the bare envelope where it has none that may be read."""
    name = wanted or next((name for name, share in (endpoint["properties"].get("traffic") or {}).items() if share), "")
    try:
        found = await visit.reader.get(f"{endpoint['id']}/deployments/{quote(name, safe='')}") if name else {}
        id_ = str((found.get("properties") or {}).get("model") or "")
        model = _MODEL.search(id_) if id_.lower().startswith(f"{visit.id}/".lower()) else None
        path = f"{visit.id}/models/{quote(model[1], safe='')}/versions/{quote(model[2], safe='')}" if model else ""
        version = await visit.reader.get(path) if path else {}
    except AzureError:
        version = {}
    made = sample(_inputs(version))
    return _laid_out(made if made is not None else _ANY)


def _laid_out(sample: Mapping[str, Any]) -> str:
    """A sample request as people would write it: a line for the columns, one for the row."""
    inner = sample["input_data"]
    if not isinstance(inner, dict):
        return json.dumps(sample)
    lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in inner.items())
    return f'{{\n  "input_data": {{\n{lines}\n  }}\n}}'


def _inputs(version: Document) -> Any:
    """The inputs of a signature, as the model version's properties tell them; None without."""
    try:
        signature = json.loads(version["properties"]["properties"]["model_json"])["signature"]
        return json.loads(signature["inputs"])
    except (KeyError, TypeError, ValueError):
        return None


async def _answered(visit: Visit, endpoint: Document, text: str, wanted: str) -> str:
    try:
        document = spelling.parsed(text)
    except ValueError as error:
        return html.refused(f"The request is not JSON, and was not sent: {error}")
    asked = Asked(endpoint, text.encode(), wanted)
    curl = _curl(Asked(endpoint, json.dumps(document).encode(), wanted))  # on one line
    try:
        answer = await trying.ask(visit, endpoint, asked)
    except AzureError as error:
        return html.refused(error.message) + curl
    good = 200 <= answer.status < 300
    status = f"{answer.status} {_phrase(answer.status)}"
    said = "" if good else html.refused(_sentence(why(answer.status, answer.headers)))
    facts = html.facts(
        (
            ("Status", html.state(status, "Succeeded" if good else "Failed")),
            ("Answered by", answer.deployment or "no deployment"),
            ("Took", f"{answer.took * 1000:.0f} ms"),
        )
    )
    more = "" if answer.whole else "<p>There is more of it, or it broke off.</p>"
    return f"<h2>Answer</h2>{said}{facts}<pre>{html.cell(_pretty(answer.body))}</pre>{more}{curl}"


def _curl(asked: Asked) -> str:
    score = f"azmlflow score {asked.endpoint['name']} request.json"
    return (
        f"<h2>The same in a shell</h2><pre>azmlflow run -- {html.cell(asked.as_curl())}</pre>"
        f"<p><code>KEY</code> is the endpoint's key or token, which no page shows. <code>{html.cell(score)}</code> "
        "asks without you handling one.</p>"
    )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _pretty(body: bytes) -> str:
    text = body.decode(errors="replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
