from tessera.recent import Recent
from tests.kit.clocks import FakeClock


def test_the_one_not_used_for_longest_makes_room() -> None:
    recent: Recent[int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.get("a")
    recent.put("c", 3)

    assert [recent.get(name) for name in "abc"] == [1, None, 3]
    assert len(recent) == 2


def test_an_entry_is_forgotten_in_time(frozen: FakeClock) -> None:
    recent: Recent[int] = Recent(2, kept_ms=1_000)
    recent.put("a", 1)
    frozen.advance(milliseconds=999)
    before = recent.get("a")
    frozen.advance(milliseconds=1)

    assert (before, recent.get("a"), len(recent)) == (1, None, 0)


def test_an_entry_put_again_begins_anew(frozen: FakeClock) -> None:
    recent: Recent[int] = Recent(2, kept_ms=1_000)
    recent.put("a", 1)
    frozen.advance(milliseconds=600)
    recent.put("a", 2)
    frozen.advance(milliseconds=600)

    assert recent.get("a") == 2


def test_what_is_dropped_is_gone() -> None:
    recent: Recent[int] = Recent(2)
    recent.put("a", 1)
    recent.drop("a")
    recent.drop("a")

    assert recent.get("a") is None
