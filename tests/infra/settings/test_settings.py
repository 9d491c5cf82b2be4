from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from azmlflow.infra.settings.faults import Fault, SettingsError
from azmlflow.infra.settings.regions import REGIONS
from azmlflow.infra.settings.settings import Settings
from azmlflow.rbac.grants import Grant

ALICE = "aaaaaaaa-0000-4000-8000-000000000001"
ROLE = "bbbbbbbb-0000-4000-8000-000000000001"
GRANT = {"principalId": ALICE, "principalType": "User", "displayName": "Alice", "persona": "tracker"}


def read(**values: object) -> Settings:
    return Settings.from_mapping({f"azmlflow:{key}": value for key, value in values.items()})


def faults(**values: object) -> tuple[Fault, ...]:
    with pytest.raises(SettingsError) as caught:
        read(**values)
    for fault in caught.value.faults:
        assert fault.key in str(caught.value)
        assert fault.what in str(caught.value)
        assert fault.fix in str(caught.value)
    return caught.value.faults


def fault(**values: object) -> Fault:
    (only,) = faults(**values)
    return only


def test_nothing_set_is_enough() -> None:
    settings = Settings.from_mapping({})
    assert (settings.cloud, settings.prefix, settings.location) == ("azure", "mlflow", "westeurope")
    assert settings.clusters == ()
    assert settings.grants == ()
    assert settings.purge_protection is False


def test_the_engines_texts_and_the_files_values_read_the_same() -> None:
    clusters = [{"name": "cpu", "vmSize": "Standard_D2_v2", "minNodes": 1, "maxNodes": 2, "idleSeconds": 60}]
    file = {"clusters": clusters, "grants": [GRANT], "tags": {"a": "b"}, "purgeProtection": True, "salt": 4711}
    engine = {key: value if isinstance(value, str) else json.dumps(value) for key, value in file.items()}
    assert read(**file) == read(**engine)
    settings = read(**file)
    assert settings.salt == "4711"
    assert settings.purge_protection is True
    assert settings.clusters[0].max_nodes == 2
    assert settings.clusters[0].priority == "Dedicated"


def test_other_namespaces_are_left_alone() -> None:
    raw: Mapping[str, Any] = {"azure-native:location": "nowhere", "other:prefix": "No!", "azmlflow:prefix": "mine"}
    assert Settings.from_mapping(raw).prefix == "mine"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        read().prefix = "x"


@pytest.mark.parametrize(
    ("key", "near"), [("locaton", "location"), ("resource_group", "resourceGroup"), ("Cluster", "clusters")]
)
def test_an_unknown_key_names_the_nearest(key: str, near: str) -> None:
    found = fault(**{key: "x"})
    assert found == Fault(
        f"azmlflow:{key}", f"there is no such setting; did you mean {near}?", f"pulumi config rm azmlflow:{key}"
    )


def test_a_key_near_to_none_lists_the_known() -> None:
    found = fault(zzzzqqqq="x")
    assert "known are cloud, location, prefix, salt" in found.what


def test_an_unknown_key_of_a_cluster_names_the_nearest() -> None:
    found = fault(clusters=[{"name": "cpu", "vmsize": "Standard_D2_v2"}])
    assert found.key == "azmlflow:clusters[0].vmsize"
    assert "did you mean vmSize?" in found.what
    assert found.fix == "pulumi config rm --path 'azmlflow:clusters[0].vmsize'"


def test_a_cluster_called_gpu_1() -> None:
    found = fault(clusters=[{"name": "cpu"}, {"name": "gpu-1"}])
    assert found.key == "azmlflow:clusters[1].name"
    assert "ends in a hyphen and digits" in found.what
    assert "'gpu1' would do" in found.what
    assert found.fix == "pulumi config set --path 'azmlflow:clusters[1].name' gpu1"


def test_min_nodes_above_max() -> None:
    found = fault(clusters=[{"name": "cpu", "minNodes": 5, "maxNodes": 2}])
    assert found.key == "azmlflow:clusters[0].maxNodes"
    assert found.what == "2 is below minNodes, which is 5"
    assert found.fix == "pulumi config set --path 'azmlflow:clusters[0].maxNodes' 5"


def test_min_nodes_above_the_default_max() -> None:
    assert fault(clusters=[{"name": "cpu", "minNodes": 5}]).what == "4 is below minNodes, which is 5"


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"minNodes": -1}, "minNodes"),
        ({"maxNodes": 0}, "maxNodes"),
        ({"maxNodes": 65_001}, "maxNodes"),
        ({"minNodes": 65_001}, "minNodes"),
        ({"maxNodes": "many"}, "maxNodes"),
        ({"idleSeconds": 0}, "idleSeconds"),
        ({"vmSize": "DS3"}, "vmSize"),
        ({"priority": "Spot"}, "priority"),
    ],
)
def test_bounds_of_a_cluster(values: dict[str, object], word: str) -> None:
    found = fault(clusters=[{"name": "cpu", **values}])
    assert found.key == f"azmlflow:clusters[0].{word}"
    assert repr(values[word]) in found.what


def test_the_largest_cluster() -> None:
    """Microsoft, "Manage and increase quotas": "100 nodes but configurable up to 65,000 nodes"."""
    (cluster,) = read(clusters=[{"name": "cpu", "minNodes": 65_000, "maxNodes": 65_000}]).clusters
    assert cluster.max_nodes == 65_000


def test_two_clusters_of_one_name() -> None:
    assert "two clusters are called 'cpu'" in fault(clusters=[{"name": "cpu"}, {"name": "CPU"}]).what


def test_a_location_that_azure_has_not() -> None:
    found = fault(location="West Europe")
    assert found.what == "Azure has no region 'West Europe'; did you mean westeurope?"
    assert found.fix == "pulumi config set azmlflow:location westeurope"
    assert fault(location="atlantis-7").what == "Azure has no region 'atlantis-7'"


def test_every_region_is_a_location() -> None:
    assert [read(location=region).location for region in REGIONS] == list(REGIONS)
    assert len(set(REGIONS)) == len(REGIONS)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("resourceGroup", "ends."),
        ("workspace", "a"),
        ("storageAccount", "Not-Lower"),
        ("keyVault", "two--hyphens"),
        ("prefix", "Upper"),
        ("prefix", "9x"),
        ("prefix", "a--b"),
    ],
)
def test_wrong_names_of_each_kind(key: str, name: str) -> None:
    found = fault(**{key: name})
    assert found.key == f"azmlflow:{key}"
    assert name in found.what
    assert found.fix.startswith(f"pulumi config set azmlflow:{key} ")


def test_explicit_names_win_over_generated_ones() -> None:
    settings = read(storageAccount="mine4711", workspace="ws-of-mine")
    names = settings.names("dev", "22222222-2222-4222-8222-222222222222")
    assert (names.storage_account, names.workspace) == ("mine4711", "ws-of-mine")
    assert names.resource_group == "rg-mlflow-dev"


def test_an_unknown_persona_names_the_nearest() -> None:
    found = fault(grants=[{**GRANT, "persona": "traker"}])
    assert found.key == "azmlflow:grants[0].persona"
    assert "tracker" in found.what


@pytest.mark.parametrize("principal", ["alice@example.com", "", 7, ALICE.replace("-", ""), "{" + ALICE + "}"])
def test_a_principal_that_is_no_object_id(principal: object) -> None:
    found = fault(grants=[{**GRANT, "principalId": principal}])
    assert found.key == "azmlflow:grants[0].principalId"
    assert "is not an object id (a GUID)" in found.what


def test_object_ids_are_kept_in_lower_case() -> None:
    assert read(grants=[{**GRANT, "principalId": ALICE.upper()}]).grants[0].principal_id == ALICE


def test_a_grant_twice() -> None:
    assert "is there twice" in fault(grants=[GRANT, {**GRANT, "principalId": ALICE.upper()}]).what


def test_the_same_persona_at_both_scopes_is_two_grants() -> None:
    assert len(read(grants=[GRANT, {**GRANT, "scope": "group"}]).grants) == 2
    assert fault(grants=[{**GRANT, "scope": "subscription"}]).key == "azmlflow:grants[0].scope"


def test_the_last_day_as_text_or_as_yaml_reads_it() -> None:
    day = date(2027, 1, 31)
    for given in ("2027-01-31", day):
        settings = read(grants=[{**GRANT, "until": given}, {**GRANT, "persona": "viewer"}])
        assert settings.grants[0].until == day
        assert len(settings.grants_on(day)) == 2
        assert [grant.persona for grant in settings.grants_on(date(2027, 2, 1))] == ["viewer"]
    found = fault(grants=[{**GRANT, "until": "tomorrow"}])
    assert found.what == "'tomorrow' is no day such as 2027-01-31"
    assert found.fix == "pulumi config set --path 'azmlflow:grants[0].until' 2027-01-31"


def test_identity_based_storage_and_profiles_go_to_the_place() -> None:
    names = read().names("dev", "s")
    assert read().place(names, "s").storage_account is None
    place = read(storageAuth="identity", roleProfile="built-in").place(names, "s")
    assert (place.storage_account, place.profile) == (names.storage_account, "built-in")
    assert fault(storageAuth="sas").key == "azmlflow:storageAuth"
    assert fault(roleProfile="owner").key == "azmlflow:roleProfile"
    assert read(strictTracker="true").strict_tracker is True


def test_a_grant_without_its_parts() -> None:
    found = faults(grants=[{"displayName": "Alice"}])
    assert [one.key.rpartition(".")[2] for one in found] == ["principalId", "principalType", "persona"]
    assert {one.what for one in found} == {"is missing"}


def test_a_grant_is_the_one_record_that_travels() -> None:
    nameless = {"principalId": ALICE, "principalType": "Group", "persona": "viewer"}
    whole = Grant(ALICE, "User", "Alice", "tracker", "group", date(2027, 1, 31), {ROLE: "/their/id"})
    given = read(grants=[nameless, {**whole.to_config(), "adopted": {ROLE.upper(): "/their/id"}}]).grants
    assert given == (Grant(ALICE, "Group", "", "viewer"), whole)


def test_broken_json() -> None:
    found = fault(clusters="[{")
    assert "is not JSON" in found.what
    assert "azmlflow:clusters" in found.fix


def test_a_list_that_is_none() -> None:
    found = fault(clusters="{}")
    assert found.key == "azmlflow:clusters"
    assert "Pulumi.<stack>.yaml" in found.fix


@pytest.mark.parametrize("tags", [{"azmlflow-stack": "x"}, {"a/b": "x"}, {f"t{n}": "x" for n in range(49)}])
def test_refused_tags(tags: dict[str, str]) -> None:
    assert fault(tags=tags).key == "azmlflow:tags"


def test_secrets_are_refused() -> None:
    found = fault(prefix={"secure": "v1:abc"})
    assert "encrypted" in found.what
    assert "v1:abc" not in found.what


def test_every_fault_at_once() -> None:
    found = faults(
        prefx="x",
        location="nowhere-9",
        clusters=[{"name": "gpu-1", "minNodes": 9, "maxNodes": 1}],
        grants=[{**GRANT, "persona": "boss", "principalId": "me"}],
        tags="{",
    )
    assert {one.key for one in found} == {
        "azmlflow:prefx",
        "azmlflow:location",
        "azmlflow:clusters[0].name",
        "azmlflow:clusters[0].maxNodes",
        "azmlflow:grants[0].principalId",
        "azmlflow:grants[0].persona",
        "azmlflow:tags",
    }


def test_the_error_is_one_message_that_ends_with_commands() -> None:
    with pytest.raises(SettingsError) as caught:
        read(prefx="x", location="nowhere-9")
    lines = str(caught.value).splitlines()
    assert lines[0] == "The stack's settings have 2 faults:"
    assert sum(line.startswith("    fix: pulumi config ") for line in lines) == 2


def test_every_field_says_what_it_is() -> None:
    schema = Settings.model_json_schema()
    objects = [schema, *schema["$defs"].values()]
    assert {one["title"] for one in objects} == {"Settings", "ClusterSettings", "GrantSettings"}
    for one in objects:
        assert one["additionalProperties"] is False
        for name, field in one["properties"].items():
            assert field.get("description"), name
            assert "_" not in name
            assert "default" in field or name in one["required"], name
    assert schema["$defs"]["ClusterSettings"]["properties"]["maxNodes"]["minimum"] == 1


def test_the_examples_are_good() -> None:
    schema = Settings.model_json_schema()
    for key, field in schema["properties"].items():
        for example in field.get("examples", ()):
            read(**{key: example})


def test_a_program_reads_the_language_hosts_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"azmlflow:prefix": "mine", "azure-native:location": "x"}))
    assert Settings.load().prefix == "mine"
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"azmlflow:prefx": "mine"}))
    with pytest.raises(SettingsError, match="did you mean prefix"):
        Settings.load()


def test_a_program_refuses_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"azmlflow:prefix": "hidden"}))
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", json.dumps(["azmlflow:prefix"]))
    with pytest.raises(SettingsError, match="encrypted") as caught:
        Settings.load()
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("given", ["2027-01-31T12:00:00Z", "2027-01-31T13:00:00+01:00", "2027-01-31 12:00:00"])
def test_a_moment_is_read_however_yaml_gives_it(given: str) -> None:
    import yaml

    wanted = "2027-01-31T12:00:00+00:00"
    for value in (given, yaml.safe_load(given)):
        found = read(expiresOn=value).expires_on
        assert found is not None
        assert found.isoformat() == wanted


def test_no_moment() -> None:
    with pytest.raises(SettingsError, match="is no moment such as"):
        read(expiresOn="soon")
