"""What is made of the settings' fields for people: the list, docs/settings.md, an editor's schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field
from scripts import component_arguments

from azmlflow.infra.settings import documents
from azmlflow.infra.settings.fields import SettingsModel
from azmlflow.infra.settings.listing import Setting, listed, schema
from azmlflow.infra.settings.settings import Settings

ROOT = Path(__file__).resolve().parents[3]


class Rule(SettingsModel):
    fqdn: str = Field(description="A host.")


class Network(SettingsModel):
    mode: Literal["public", "managed"] = Field("public", description="How closed.")
    rules: tuple[Rule, ...] = Field((), description="What is let out.")


class Wider(Settings):
    """Settings with more fields than there are."""

    premises: Network = Field(Network.model_validate({}), description="Who reaches it.")
    archive: Network | None = Field(None, description="A group that may be absent.")
    allowance: int = Field(7, description="Money.", ge=1)
    owner_id: Annotated[str | Literal[3], "a mark of somebody else's"] = Field("x", description="Two types.")


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("docs/settings.md", documents.page),
        ("infra/settings/schema.json", documents.stack_file_schema),
        ("infra/components/drawn.py", component_arguments.module),
    ],
)
def test_the_documents_are_those_of_the_fields(path: str, made: Callable[[], str], pytestconfig: pytest.Config) -> None:
    file = ROOT / path
    if pytestconfig.getoption("--renew"):
        file.write_text(made(), encoding="utf-8")
    assert file.read_text(encoding="utf-8") == made(), "renew it: pytest tests/infra/settings --renew"


def test_the_list_has_every_field_and_those_of_groups_and_lists() -> None:
    found = {each.key: each for each in listed(Wider)}
    assert {field.alias for field in Settings.model_fields.values()} <= set(found)
    assert found["clusters[].maxNodes"] == Setting("clusters[].maxNodes", "1 to 65000", "4", "Most nodes at a time.")
    assert found["grants[].until"].type == "day"
    assert found["purgeProtection"] == Setting(
        "purgeProtection", "true | false", "false", Settings.model_fields["purge_protection"].description or ""
    )
    assert found["premises"].type == "group"
    assert found["premises.mode"] == Setting("premises.mode", "public | managed", "public", "How closed.")
    assert found["premises.rules[].fqdn"] == Setting("premises.rules[].fqdn", "text", None, "A host.")
    assert found["archive"] == Setting("archive", "group", "", "A group that may be absent.")
    assert "archive.rules[].fqdn" in found
    assert found["allowance"] == Setting("allowance", "number", "7", "Money.")
    assert found["ownerId"] == Setting("ownerId", "text or 3", "x", "Two types.")


def test_the_page_has_a_row_for_every_setting() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [each.key for each in listed(Settings)]


@pytest.fixture
def drawn() -> Mapping[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "infra" / "settings" / "schema.json").read_text(encoding="utf-8"))
    return loaded


def test_the_schema_knows_every_setting_in_the_file(drawn: Mapping[str, Any]) -> None:
    config = drawn["properties"]["config"]
    assert set(config["properties"]) == {f"azmlflow:{field.alias}" for field in Settings.model_fields.values()}
    assert config["properties"]["azmlflow:clusters"]["items"] == {"$ref": "#/$defs/ClusterSettings"}
    assert drawn["$defs"]["ClusterSettings"]["properties"]["maxNodes"]["maximum"] == 65000
    references = re.findall(r'"#/\$defs/(\w+)"', json.dumps(drawn))
    assert references and set(references) <= set(drawn["$defs"])


@pytest.mark.parametrize(
    ("key", "taken"),
    [
        ("azmlflow:location", True),
        ("azmlflow:locaton", False),
        ("azure-native:location", True),
        ("other:prefix", True),
    ],
)
def test_the_schema_refuses_what_is_misspelt_and_leaves_others_alone(
    drawn: Mapping[str, Any], key: str, taken: bool
) -> None:
    known, others = drawn["properties"]["config"]["propertyNames"]["anyOf"]
    assert (key in known["enum"] or not re.search(others["not"]["pattern"], key)) is taken


def test_the_schema_offers_regions_and_personas() -> None:
    whole = schema(Settings)
    assert "swedencentral" in whole["properties"]["location"]["enum"]
    assert whole["$defs"]["GrantSettings"]["properties"]["persona"]["enum"] == [
        "viewer", "tracker", "registrar", "submitter", "deployer", "scorer", "operator"
    ]  # fmt: skip


def test_the_schemas_patterns_are_such_as_editors_read(drawn: Mapping[str, Any]) -> None:
    """JavaScript's patterns know no flags within, such as Python's `(?i:...)`."""
    patterns = re.findall(r'"pattern": "([^"]*)"', json.dumps(drawn))
    assert len(patterns) >= 2
    assert not [pattern for pattern in patterns if re.search(r"\(\?[a-zA-Z]", pattern)]
