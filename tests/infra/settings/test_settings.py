from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from azmlflow.infra.settings import listing
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


@pytest.mark.parametrize(("raw", "read_as"), [(True, "true"), (False, "false"), (4711, "4711"), (1.5, "1.5")])
def test_a_text_that_yaml_took_for_something_else_is_what_the_engine_would_pass(raw: object, read_as: str) -> None:
    assert read(salt=raw).salt == read_as


def test_what_is_no_text_is_no_text() -> None:
    assert fault(salt=["a"]).what.endswith("(it is ['a'])")


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
        f"azmlflow:{key}", f"there is no such setting; did you mean {near}?", f"azmlflow set --unset {key}"
    )


def test_a_key_near_to_none_lists_the_known() -> None:
    found = fault(zzzzqqqq="x")
    assert "known are cloud, location, prefix, salt" in found.what


def test_an_unknown_key_of_a_cluster_names_the_nearest() -> None:
    found = fault(clusters=[{"name": "cpu", "vmsize": "Standard_D2_v2"}])
    assert found.key == "azmlflow:clusters[0].vmsize"
    assert "did you mean vmSize?" in found.what
    assert found.fix == "azmlflow set --unset 'clusters[0].vmsize'"


def test_a_cluster_called_gpu_1() -> None:
    found = fault(clusters=[{"name": "cpu"}, {"name": "gpu-1"}])
    assert found.key == "azmlflow:clusters[1].name"
    assert "ends in a hyphen and digits" in found.what
    assert "'gpu1' would do" in found.what
    assert found.fix == "azmlflow set 'clusters[1].name' gpu1"


def test_min_nodes_above_max() -> None:
    found = fault(clusters=[{"name": "cpu", "minNodes": 5, "maxNodes": 2}])
    assert found.key == "azmlflow:clusters[0].maxNodes"
    assert found.what == "2 is below minNodes, which is 5"
    assert found.fix == "azmlflow set 'clusters[0].maxNodes' 5"


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


@pytest.mark.parametrize(
    ("key", "least", "most"), [("minNodes", 0, 65_000), ("maxNodes", 1, 65_000), ("idleSeconds", 1, 604_800)]
)
def test_a_cluster_is_as_small_and_as_large_as_it_may_be(key: str, least: int, most: int) -> None:
    beside = {"maxNodes": most} if key == "minNodes" else {}
    for good in (least, most):
        assert read(clusters=[{"name": "cpu", **beside, key: good}])
    for bad in (least - 1, most + 1):
        assert fault(clusters=[{"name": "cpu", **beside, key: bad}]).key == f"azmlflow:clusters[0].{key}"


@pytest.mark.parametrize(("key", "most"), [("prefix", 20), ("salt", 64), ("owner", 256)])
def test_a_text_is_as_long_as_it_may_be(key: str, most: int) -> None:
    assert read(**{key: "a" * most})
    assert fault(**{key: "a" * (most + 1)}).key == f"azmlflow:{key}"


def test_a_value_is_shown_short_and_pydantics_words_begin_small() -> None:
    """60 characters are shown whole, with the quotes around them."""
    for length, shown in ((58, f"'{'9' * 58}'"), (59, f"'{'9' * 56}...")):
        found = fault(prefix="9" * length)
        assert found.what.startswith("string should ")
        assert found.what.endswith(f"(it is {shown})")


def test_a_cluster_that_is_none_is_told_by_its_number() -> None:
    found = fault(clusters=["cpu"])
    assert found.key == "azmlflow:clusters[0]"
    assert found.fix == "edit azmlflow:clusters[0] in Pulumi.<stack>.yaml, or azmlflow set --unset 'clusters[0]'"


def test_two_clusters_of_one_name() -> None:
    assert "two clusters are called 'cpu'" in fault(clusters=[{"name": "cpu"}, {"name": "CPU"}]).what


def test_a_location_that_azure_has_not() -> None:
    found = fault(location="West Europe")
    assert found.what == "Azure has no region 'West Europe'; did you mean westeurope?"
    assert found.fix == "azmlflow set location westeurope"
    nowhere = fault(location="atlantis-7")
    assert nowhere.what == "Azure has no region 'atlantis-7'"
    assert nowhere.fix == "azmlflow set location westeurope"  # the example
    assert fault(location="east_us2").fix.endswith(" eastus2")
    assert fault(location="west\teurope").fix.endswith(" westeurope")


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
    assert found.fix.startswith(f"azmlflow set {key} ")


@pytest.mark.parametrize(
    ("key", "name", "good"),
    [
        ("resourceGroup", "ends.", "ends"),
        ("storageAccount", "Not-Lower", "notlower"),
        ("keyVault", "two--hyphens", "two-hyphens"),
        ("workspace", "a", "mlw-mlflow"),  # nothing near: the example
    ],
)
def test_a_wrong_name_has_a_good_one_beside_it(key: str, name: str, good: str) -> None:
    assert fault(**{key: name}).fix == f"azmlflow set {key} {good}"


def test_a_good_name_is_taken() -> None:
    names = {"resourceGroup": "rg_(a).b-c", "workspace": "9_w", "storageAccount": "st1", "keyVault": "kv-1"}
    settings = read(**names)
    assert [settings.resource_group, settings.workspace] == ["rg_(a).b-c", "9_w"]
    assert [settings.storage_account, settings.key_vault] == ["st1", "kv-1"]
    assert all(
        field["description"].endswith(" Default: made from prefix, stack and salt.") and field["examples"]
        for key, field in Settings.model_json_schema()["properties"].items()
        if key in names
    )


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
    assert read(grants=[{**GRANT, "until": None}]).grants[0].until is None
    # A moment is not a day, and is not cut down to one.
    assert "is not a day" in fault(grants=[{**GRANT, "until": datetime(2027, 1, 31, 12, tzinfo=UTC)}]).what
    found = fault(grants=[{**GRANT, "until": "tomorrow"}])
    assert found.what == "'tomorrow' is not a day such as 2027-01-31"
    assert found.fix == "azmlflow set 'grants[0].until' 2027-01-31"


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


def test_what_was_adopted_is_found_by_its_role_in_any_case() -> None:
    (grant,) = read(grants=[{**GRANT, "adopted": {"ABC-1": "/Their/Id"}}]).grants
    assert grant.adopted == {"abc-1": "/Their/Id"}


def test_broken_json() -> None:
    found = fault(clusters="[{")
    assert found.what.startswith("is not JSON: Expecting property name")
    assert found.what.endswith(" at character 3")  # the first is 1
    assert found.fix == 'azmlflow set clusters \'[{"name": "cpu"}]\''
    assert fault(tags="{").fix == 'azmlflow set tags \'{"team": "ml"}\''


def test_a_list_that_is_none() -> None:
    found = fault(clusters="{}")
    assert (found.key, found.what) == ("azmlflow:clusters", 'should be a list, such as [{"name": "cpu"}] (it is {})')
    assert "Pulumi.<stack>.yaml" in found.fix
    assert fault(clusters="cpu").what.endswith(" (it is 'cpu')")
    assert fault(network="public").what == (
        'should be a group of settings, such as {"mode": "managed"} (it is \'public\')'
    )
    assert fault(tags="ml").what == 'should be names with values, such as {"team": "ml"} (it is \'ml\')'
    assert fault(budget={"monthly": 1, "mail": []}).what == "should have at least 1 (it is [])"
    assert fault(diagnostics="maybe").what == "should be true or false (it is 'maybe')"


@pytest.mark.parametrize("tags", [{"azmlflow-stack": "x"}, {"a/b": "x"}, {f"t{n}": "x" for n in range(46)}])
def test_refused_tags(tags: dict[str, str]) -> None:
    assert fault(tags=tags).key == "azmlflow:tags"


def test_there_may_be_as_many_tags_as_azure_leaves_beside_our_own() -> None:
    """Microsoft, "Use tags to organize your Azure resources": 50, of which six are ours."""
    assert len(read(tags={f"t{n}": "x" for n in range(44)}).tags) == 44
    told = fault(tags={f"t{n}": "x" for n in range(46)}).what
    assert told == "46 tags are more than the 44 that Azure leaves beside our own"


def test_secrets_are_refused() -> None:
    found = fault(prefix={"secure": "v1:abc"})
    assert found.what == "is encrypted, but settings hold no secrets"
    assert found.fix == "azmlflow set prefix mlflow"
    assert fault(tags={"secure": "v1:abc"}).what == found.what


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
    with pytest.raises(SettingsError, match=r"^The stack's settings have 1 fault:\n"):
        read(prefx="x")
    lines = str(caught.value).splitlines()
    assert lines[0] == "The stack's settings have 2 faults:"
    assert sum(line.startswith("    fix: azmlflow set ") for line in lines) == 2


def test_every_field_says_what_it_is() -> None:
    schema = Settings.model_json_schema()
    objects = [schema, *schema["$defs"].values()]
    named = {one["title"].removesuffix("Settings") for one in objects}
    assert named == {
        "",
        "Cluster",
        "Instance",
        "Schedule",
        "Recurrence",
        "Grant",
        "Budget",
        "Identity",
        "Network",
        "Rule",
        "Encryption",
        "Datastore",
        "Endpoint",
        "Deployment",
    }
    for one in objects:
        assert one["additionalProperties"] is False
        for name, field in one["properties"].items():
            assert field.get("description"), name
            assert "_" not in name
            assert "default" in field or name in one.get("required", ()), name
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


def test_a_moment_that_is_not_set_is_none() -> None:
    assert read(expiresOn=None).expires_on is None


def test_no_moment() -> None:
    with pytest.raises(SettingsError, match="is not a moment such as"):
        read(expiresOn="soon")


def test_the_example_of_a_setting_is_of_its_kind() -> None:
    kinds: dict[str, type | tuple[type, ...]] = {
        "array": list,
        "object": dict,
        "integer": int,
        "number": (int, float),
        "boolean": (bool, str),
        "string": str,
    }
    for setting in listing.listed(Settings):
        node = listing.node_at(Settings, listing.located(setting.key.replace("[]", "[0]")))
        assert node is not None
        if "type" in node:
            assert isinstance(listing.example(Settings, node), kinds[node["type"]]), setting.key


def test_where_there_is_no_group_of_settings_nothing_is_known() -> None:
    for way in (("clusters", 0, "name"), ("tags", "team", "x"), ("location", "x", "y")):
        known = listing.holder(Settings, way).get("properties", {})
        assert ("name" in known) is (way[0] == "clusters"), way


def test_what_is_given_has_no_name_of_ours() -> None:
    shared = "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/rg/providers/Microsoft.Insights"
    ours = Settings.from_mapping({}).names("dev", "s")
    assert (ours.application_insights, ours.log_analytics) == ("appi-mlflow-dev", "log-mlflow-dev")
    given = Settings.from_mapping({"azmlflow:insights": f"{shared}/components/appi-shared"}).names("dev", "s")
    assert (given.application_insights, given.log_analytics) == (None, None)
