"""Codes and sessions: each is good once, or for a while, and for one principal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from azmlflow.localazure.principals.sessions import CODE_LIFETIME, SESSION_LIFETIME, Sessions

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def test_a_code_is_exchanged_once() -> None:
    sessions = Sessions()
    code = sessions.issue("alice", "/ws", NOW)
    found = sessions.exchange(code, NOW)
    assert found is not None
    assert (found[0].principal_id, found[0].workspace_id) == ("alice", "/ws")
    assert sessions.exchange(code, NOW) is None


def test_a_code_lives_for_a_minute() -> None:
    sessions = Sessions()
    codes = [sessions.issue("alice", "/ws", NOW) for _ in range(2)]
    assert sessions.exchange(codes[0], NOW + CODE_LIFETIME - TICK) is not None
    assert sessions.exchange(codes[1], NOW + CODE_LIFETIME) is None
    assert sessions.exchange(codes[1], NOW) is None, "too late is used up"


def test_a_session_needs_its_own_key_and_ends() -> None:
    sessions = Sessions()
    made = [sessions.exchange(sessions.issue(who, "/ws", NOW), NOW) for who in ("alice", "bob")]
    (alice, key), (bob, other) = (each for each in made if each is not None)
    assert sessions.find(alice.id, key, NOW) == alice
    assert sessions.find(alice.id, other, NOW) is None
    assert sessions.find(bob.id, key, NOW) is None
    assert sessions.find("", "", NOW) is None
    assert sessions.find(alice.id, key, NOW + SESSION_LIFETIME - TICK) == alice
    assert sessions.find(alice.id, key, NOW + SESSION_LIFETIME) is None
    sessions.end(alice.id)
    assert sessions.find(alice.id, key, NOW) is None


def test_neither_codes_nor_keys_are_kept_or_alike() -> None:
    sessions = Sessions()
    codes = {sessions.issue("alice", "/ws", NOW) for _ in range(50)}
    assert len(codes) == 50
    assert min(len(code) for code in codes) >= 43, "256 bits"
    code = sessions.issue("alice", "/ws", NOW)
    found = sessions.exchange(code, NOW)
    assert found is not None
    assert code not in repr(vars(sessions))
    assert found[1] not in repr(vars(sessions))


def test_codes_that_nobody_uses_do_not_pile_up() -> None:
    sessions = Sessions()
    first = sessions.issue("alice", "/ws", NOW)
    for _ in range(1000):
        last = sessions.issue("alice", "/ws", NOW)
    assert sessions.exchange(first, NOW) is None
    assert sessions.exchange(last, NOW) is not None
