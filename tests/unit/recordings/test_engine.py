"""What was verified by another engine, or compared by other rules, is not taken for verified."""

from __future__ import annotations

from pathlib import Path

from kubetalk.recordings import Cache
from tests.unit.recordings.test_cache import keys_of, ran, session_of


def test_an_entry_of_another_engine_is_none(tmp_path: Path) -> None:
    session = session_of("a", "b")
    Cache(tmp_path, engine="one").put(session, ran(session))
    assert Cache(tmp_path, engine="one").get(session, keys_of(session)) == ran(session)
    newer = Cache(tmp_path, engine="two")
    assert newer.get(session, keys_of(session)) is None
    assert newer.longest_prefix(session, keys_of(session)) is None
    newer.put(session, ran(session))
    assert newer.get(session, keys_of(session)) == ran(session)


def test_what_was_fresh_under_other_rules_is_compared_again(tmp_path: Path) -> None:
    cache, old, new = Cache(tmp_path), ran(session_of("a")), ran(session_of("a"), mark="!")
    cache.remember_fresh(old, new, "rules 1")
    assert cache.is_known_fresh(old, new, "rules 1")
    assert not cache.is_known_fresh(old, new, "rules 2")
    assert not cache.is_known_fresh(new, old, "rules 1")
