from __future__ import annotations

import pytest

from azmlflow.localazure.core.clock import CountedIds, RandomIds
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Store
from azmlflow.localazure.principals.directory import Directory


@pytest.fixture
def directory() -> Directory:
    return Directory(Store(), CountedIds())


def test_user_is_found_by_sign_in_name_mail_and_object_id_whatever_the_case(directory: Directory) -> None:
    user = directory.add_user("Ann@local.test", "Ann", mail="ann.smith@local.test")
    assert directory.find_user("ann@LOCAL.test") == user
    assert directory.find_user("ANN.SMITH@local.test") == user
    assert directory.get(user.object_id.upper()) == user
    assert directory.find_user("bob@local.test") is None


def test_the_same_people_have_the_same_ids_in_every_embedded_azure() -> None:
    here, there = Directory(Store(), RandomIds()), Directory(Store(), RandomIds())
    there.add_group("Ann@local.test")
    ann = here.add_user("Ann@local.test")
    assert there.add_user("ann@local.test").object_id == ann.object_id
    assert here.add_group("team").object_id == there.add_group("team").object_id
    assert here.add_user("bob@local.test").object_id != ann.object_id


def test_who_was_removed_leaves_his_id_behind() -> None:
    directory = Directory(Store(), RandomIds())
    first, other = directory.add_group("team"), directory.add_group("team")
    assert first.object_id != other.object_id
    ann = directory.add_user("ann@local.test")
    directory.remove(ann.object_id)
    again = directory.add_user("ann@local.test")
    assert again.object_id != ann.object_id
    assert directory.get(ann.object_id) is None


@pytest.mark.parametrize("upn", ["ann", "@local.test", "ann@", "an n@local.test", "ann'@local.test"])
def test_a_name_that_is_no_sign_in_name_is_refused(directory: Directory, upn: str) -> None:
    with pytest.raises(AzureError) as refusal:
        directory.add_user(upn)
    assert (refusal.value.status, refusal.value.target) == (400, "userPrincipalName")


def test_a_taken_sign_in_name_is_refused(directory: Directory) -> None:
    directory.add_user("ann@local.test")
    with pytest.raises(AzureError, match="already exists"):
        directory.add_user("ANN@local.test")
    assert len(directory.list("User")) == 1


def test_memberships_follow_changes_and_removal(directory: Directory) -> None:
    ann, team, all_ = directory.add_user("ann@local.test"), directory.add_group("team"), directory.add_group("all")
    directory.add_member(team.object_id, ann.object_id)
    directory.add_member(all_.object_id, team.object_id)
    assert directory.memberships() == {
        ann.object_id: frozenset({team.object_id}),
        team.object_id: frozenset({all_.object_id}),
    }
    assert directory.members(team.object_id) == (ann,)
    assert directory.groups_of(ann.object_id) == (team,)
    directory.remove(team.object_id)
    assert directory.memberships() == {}
    assert directory.get(team.object_id) is None


def test_members_are_added_once_and_only_to_groups(directory: Directory) -> None:
    ann, team = directory.add_user("ann@local.test"), directory.add_group("team")
    directory.add_member(team.object_id, ann.object_id)
    with pytest.raises(AzureError, match="already exist"):
        directory.add_member(team.object_id, ann.object_id)
    with pytest.raises(AzureError) as refusal:
        directory.add_member(ann.object_id, team.object_id)
    assert refusal.value.status == 404
    directory.remove_member(team.object_id, ann.object_id)
    with pytest.raises(AzureError):
        directory.remove_member(team.object_id, ann.object_id)


def test_what_an_older_version_noted_of_a_principal_is_left_aside(directory: Directory) -> None:
    user = directory.add_user("ann@local.test")
    document = directory._store.get("principals", user.object_id)
    directory._store.put("principals", user.object_id, {**(document or {}), "deleted": False})
    assert directory.get(user.object_id) == user
    assert directory.list("User") == (user,)


def test_secret_is_kept_as_a_hash_and_only_the_last_one_works(directory: Directory) -> None:
    principal, secret = directory.add_service_principal("ci")
    assert principal.app_id is not None and secret is not None
    assert principal.app_id != principal.object_id
    assert directory.check_secret(principal.app_id, secret) == principal
    assert directory.check_secret(principal.app_id, secret + "x") is None
    assert directory.check_secret("11111111-1111-4111-8111-111111111111", secret) is None
    assert all(secret not in str(document) for _, document in directory._store.scan("credentials"))
    renewed = directory.new_secret(principal.app_id)
    assert directory.check_secret(principal.app_id, secret) is None
    assert directory.check_secret(principal.app_id, renewed) == principal
    directory.remove(principal.object_id)
    assert directory.check_secret(principal.app_id, renewed) is None


def test_an_application_has_one_service_principal(directory: Directory) -> None:
    principal, secret = directory.add_service_principal("ci", with_secret=False)
    assert secret is None
    with pytest.raises(AzureError) as refusal:
        directory.add_service_principal("again", app_id=principal.app_id)
    assert refusal.value.status == 409


def test_a_removed_user_comes_back_as_somebody_else(directory: Directory) -> None:
    first = directory.add_user("ann@local.test")
    directory.remove(first.object_id)
    assert directory.add_user("ann@local.test").object_id != first.object_id
