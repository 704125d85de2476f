"""Decisions without anything around them."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.identity.accounts.rules import KEY_LIFE, Family, Key, Verdict, judge, replaced, turn

NOW = 1_000_000
LIFE = timedelta(minutes=10)
START = datetime(2030, 1, 1, tzinfo=UTC)


def family(**changes: object) -> Family:
    known: dict[str, object] = {
        "counter": 4,
        "rotated_at": NOW - 5_000,
        "is_active": True,
        "idle_until": NOW + 1,
        "ends_at": NOW + 1,
    }
    return Family(**{**known, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "counter", "verdict"),
    [
        pytest.param(family(), 3, Verdict.SAME_AGAIN, id="the last token within the grace"),
        pytest.param(family(rotated_at=NOW - 10_000), 3, Verdict.SAME_AGAIN, id="at the very end of the grace"),
        pytest.param(family(rotated_at=NOW - 10_001), 3, Verdict.REUSED, id="the last token after the grace"),
        pytest.param(family(rotated_at=0, undelivered=4), 3, Verdict.SAME_AGAIN, id="whose successor nobody was given"),
        pytest.param(family(rotated_at=0, undelivered=3), 3, Verdict.REUSED, id="whose successor was given in the end"),
        pytest.param(family(undelivered=4), 2, Verdict.REUSED, id="older than one whose successor nobody was given"),
        pytest.param(family(), 2, Verdict.REUSED, id="an older token"),
        pytest.param(family(), 5, Verdict.REUSED, id="a token that was never given out"),
        pytest.param(family(), 4, Verdict.REUSED, id="the present token, refused for another reason"),
        pytest.param(family(is_active=False), 3, Verdict.INVALID, id="a family that was revoked"),
        pytest.param(family(is_active=False), 0, Verdict.INVALID, id="an old token of a revoked family"),
        pytest.param(family(idle_until=NOW), 3, Verdict.INVALID, id="idle for too long"),
        pytest.param(family(ends_at=NOW), 3, Verdict.INVALID, id="too old altogether"),
        pytest.param(None, 3, Verdict.INVALID, id="no such family"),
    ],
)
def test_what_a_refused_rotation_stands_for(found: Family | None, counter: int, verdict: Verdict):
    assert judge(found, counter, now=NOW, grace_ms=10_000) is verdict


def test_a_grace_of_zero_makes_every_repetition_a_reuse():
    assert judge(family(rotated_at=NOW - 1), 3, now=NOW, grace_ms=0) is Verdict.REUSED


def test_a_young_key_stays_as_it_is():
    ring = [Key("a", "active", START)]

    step = turn(ring, START + timedelta(days=30), token_life=LIFE)

    assert (step.ring, step.wants_next, step.done) == (tuple(ring), False, ())


def test_the_next_key_is_published_a_day_before_it_signs():
    ring = [Key("a", "active", START)]

    assert turn(ring, START + KEY_LIFE - timedelta(hours=24), token_life=LIFE).wants_next


def test_a_key_that_was_only_just_published_does_not_sign_yet():
    now = START + KEY_LIFE
    ring = [Key("a", "active", START), Key("b", "next", now - timedelta(hours=23))]

    assert [key.state for key in turn(ring, now, token_life=LIFE).ring] == ["active", "next"]


def test_the_next_key_takes_over_when_its_time_has_come():
    now = START + KEY_LIFE
    ring = [Key("a", "active", START), Key("b", "next", now - timedelta(hours=24))]

    step = turn(ring, now, token_life=LIFE)

    assert step.ring == (Key("a", "retiring", now), Key("b", "active", now))


def test_a_retired_key_stays_published_until_its_last_token_has_expired():
    ring = [Key("a", "retiring", START), Key("b", "active", START)]

    early = turn(ring, START + timedelta(minutes=69), token_life=LIFE)
    late = turn(ring, START + timedelta(minutes=70), token_life=LIFE)

    assert early.done == ()
    assert (late.done, [key.kid for key in late.ring]) == (("a",), ["b"])


def test_a_leaked_key_is_revoked_and_the_next_one_signs_at_once():
    ring = [Key("a", "active", START), Key("b", "next", START)]

    assert [(key.kid, key.state) for key in replaced(ring, START)] == [("a", "revoked"), ("b", "active")]


def test_the_rotation_never_leaves_the_ring_without_a_key_that_signs():
    ring: tuple[Key, ...] = (Key("k0", "active", START),)
    now, made = START, 0
    for _ in range(400):
        now += timedelta(days=1)
        step = turn(ring, now, token_life=LIFE)
        ring = step.ring
        if step.wants_next:
            made += 1
            ring = (*ring, Key(f"k{made}", "next", now))
        states = [key.state for key in ring]
        assert states.count("active") == 1
        assert states.count("next") <= 1
        assert len(states) <= 3
    assert made == 4
