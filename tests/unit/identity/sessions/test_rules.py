"""Pure decisions: how long a session lives, and which ones make room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.identity.sessions import secret_values
from functions.identity.sessions.config import SessionSettings
from functions.identity.sessions.rules import Lives, Proof, Wish, begun, leaving
from tessera.settings import MissingSettings

IDS = st.integers(0, 99).map(lambda number: f"{number:026d}")


def a_session(**changes):
    made = begun("id", "h", Proof("u", frozenset(["pwd"]), 1, 0), Wish(), Lives(1_000, 5_000), epoch=1, user={}, now=0)
    return made if not changes else type(made)(**{**vars(made), **changes})


@given(st.frozensets(IDS, max_size=30), st.frozensets(IDS, max_size=30), st.integers(1, 20))
def test_with_one_more_there_are_never_too_many_and_the_newest_stay(open_ids, live_ids, at_most):
    gone = leaving(open_ids, live_ids, at_most=at_most)
    kept = open_ids - gone

    assert len(kept) + 1 <= at_most
    assert gone <= open_ids and kept <= live_ids
    assert all(stays > goes for stays in kept for goes in gone & live_ids)
    # Nobody goes without need.
    assert len(kept) == min(len(open_ids & live_ids), at_most - 1)


@pytest.mark.parametrize(
    ("idle_until", "ends_at", "now", "live"),
    [(10, 20, 9, True), (10, 20, 10, False), (20, 10, 10, False), (20, 10, 9, True)],
)
def test_a_session_is_over_at_whichever_end_comes_first(idle_until, ends_at, now, live):
    assert a_session(idle_until=idle_until, ends_at=ends_at).is_live(now) is live


@pytest.mark.parametrize(("left", "seconds"), [(600_000, None), (599_999, 599), (61_000, 61), (5_000, 60), (0, 60)])
def test_a_token_lives_no_longer_than_its_session(left, seconds):
    assert a_session(ends_at=left).token_seconds(0, 600) == seconds


def test_another_proof_adds_to_what_was_shown():
    proved = a_session(aal=2, amr=frozenset(["pwd", "otp"])).proved_again(Proof("u", frozenset(["hwk"]), 1, 77), 88_000)

    assert (proved.aal, proved.amr, proved.auth_time, proved.proved) == (2, {"pwd", "otp", "hwk"}, 77, 88_000)


@pytest.mark.asvs("7.2.3")
def test_a_secret_holds_256_bits_and_its_hash_tells_nothing_of_it():
    secrets = {secret_values.new() for _ in range(1_000)}

    assert len(secrets) == 1_000
    assert all(secret_values.is_one(secret) for secret in secrets)
    assert not {secret_values.hash_of(secret) for secret in secrets} & secrets


def test_the_challenge_is_that_of_rfc_7636_appendix_b():
    assert secret_values.challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == (
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


@pytest.mark.parametrize(
    "wrong", [{"IDLE_MINUTES": "5"}, {"MAX_SESSIONS": "0"}, {"REMEMBER_ABSOLUTE_DAYS": "400"}], ids=str
)
def test_nobody_configures_it_below_the_floor(wrong):
    with pytest.raises(MissingSettings):
        SessionSettings.load({"TABLE": "t", "AUTHFEED": "f", "RATELIMIT": "r", "MAC_KEYS": "m", **wrong})
