"""Models and data assets through the real clients, and by real requests who may do what with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.estate import Estate
from tests.e2e.people import ARM, ML_VERSION, Person, sign_in
from tests.e2e.world import World

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
DEVELOPER = "developer@local.test"
PEOPLE = {"viewer": "mia@local.test", "tracker": "max@local.test", "registrar": "moe@local.test"}


@pytest.mark.parametrize("script", ["model_clients.py", "asset_clients.py"])
def test_what_real_clients_do_holds(estate: Estate, script: str) -> None:
    assert "all held" in estate.science(DEVELOPER, HERE / script).out


@pytest.fixture(scope="module")
def people(estate: Estate) -> Iterator[dict[str, Person]]:
    """One person of each persona, signed in."""
    for persona, name in PEOPLE.items():
        estate.azmlflow("local", "user", "add", name)
        estate.azmlflow("grant", name, persona)
    signed_in = {persona: sign_in(estate, name) for persona, name in PEOPLE.items()}
    yield signed_in
    for person in signed_in.values():
        person.http.close()


def test_a_registrar_registers_a_viewer_reads_a_tracker_may_not_by_each_route(
    estate: Estate, people: dict[str, Person]
) -> None:
    workspace = estate.outputs()["workspaceId"]
    with sign_in(estate, DEVELOPER) as owner:
        region = owner.ask("GET", f"{ARM}{workspace}", params=ML_VERSION).json()["location"]
        world = World(owner, workspace, f"https://{region}.api.azureml.ms")
        run = world.run()
    path = f"azureml://jobs/{run}/outputs/artifacts/paths/a.txt"
    versions = f"{ARM}{workspace}/models/by-right/versions"
    sdk1 = f"{world.host}/modelmanagement/v1.0{workspace}"
    asset = {"name": "by-right", "artifacts": [{"prefix": f"ExperimentRun/dcid.{run}/a.txt"}]}

    def statuses(persona: str) -> list[int]:
        person = people[persona]
        arm = {"params": ML_VERSION, "json": {"properties": {"modelUri": path}}}
        made = person.ask("PUT", f"{versions}/1", **arm)
        posted = person.ask("POST", f"{sdk1}/assets", json=asset)
        url = f"aml://asset/{posted.json().get('id')}"
        body = {"name": "by-right", "url": url, "mimeType": "application/json"}
        return [made.status_code, posted.status_code, person.ask("POST", f"{sdk1}/models", json=body).status_code]

    assert statuses("viewer") == statuses("tracker") == [403, 403, 403]
    assert statuses("registrar") == [201, 200, 200]
    for persona in PEOPLE:
        found = people[persona].ask("GET", versions, params=ML_VERSION).json()["value"]
        assert [each["name"] for each in found] == ["2", "1"], persona
        listed = people[persona].ask("GET", f"{sdk1}/models", params={"name": "by-right"}).json()["value"]
        assert [each["id"] for each in listed] == ["by-right:2", "by-right:1"], persona
    for persona, status in (("viewer", 403), ("tracker", 403), ("registrar", 200)):
        assert people[persona].ask("DELETE", f"{versions}/1", params=ML_VERSION).status_code == status
        assert people[persona].ask("DELETE", f"{sdk1}/models/by-right:2").status_code == status
