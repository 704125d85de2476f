from dataclasses import replace
from random import Random
from typing import Any

import pytest

from tessera import aws, clock, ids
from tessera.auth import feed_entries
from tessera.auth.authenticate import principal_of
from tessera.auth.feed import Feed
from tessera.auth.feed_entries import FeedRow
from tessera.auth.problems import RevocationUnknown, SessionRevoked, TokenInvalid, TokenStale
from tessera.auth.tokens import Claims
from tessera.tables import Row, Table
from tessera.transact import putting, transact
from tests.kit.clocks import FakeClock
from tests.kit.faults import Crash, crash_at, failing
from tests.kit.stores import pour


@pytest.fixture
def feed(frozen: FakeClock, authfeed: Table) -> Feed:
    return Feed(authfeed, 600)


@pytest.fixture
def claims(frozen: FakeClock) -> Claims:
    now = int(clock.now().timestamp())
    return Claims(sub="anna", sid="family", ep=3, iat=now, exp=now + 600, kid="key-1", roles=("user", "author"))


def write(authfeed: Table, *, at_ms: int, kind: str = "s", subject: str = "family") -> None:
    row = FeedRow(pk="REV", sk=f"{at_ms:013d}#{ids.new()}", k=kind, id=subject, ttl=at_ms // 1000 + 900)
    authfeed.put(row)


def test_a_quiet_feed_costs_one_query_in_eight_seconds(feed: Feed, claims: Claims, frozen: FakeClock) -> None:
    with aws.metered() as meter:
        for _ in range(17):
            feed.check(claims)
            frozen.advance(seconds=1)

    assert meter.operations == ["Query", "Query"]


@pytest.mark.asvs("7.4.1")
def test_an_ended_session_is_refused(feed: Feed, claims: Claims) -> None:
    transact(feed.revoke("s", "family"))

    with pytest.raises(SessionRevoked):
        feed.check(claims)

    feed.check(replace(claims, sid="another"))


def test_an_epoch_refuses_older_tokens_and_no_newer_ones(feed: Feed, claims: Claims) -> None:
    transact(feed.revoke("u", "anna", min_ep=4))

    with pytest.raises(TokenStale):
        feed.check(claims)

    feed.check(replace(claims, ep=4))


def test_the_highest_epoch_counts_in_whatever_order_they_come(feed: Feed, claims: Claims) -> None:
    transact(feed.revoke("u", "anna", min_ep=5))
    transact(feed.revoke("u", "anna", min_ep=4))

    with pytest.raises(TokenStale):
        feed.check(replace(claims, ep=4))


ACT = {"sub": "01HZX3J0V7Q8M4N5P6R7S8T9ZZ", "sid": "theirs", "ep": 3}


@pytest.mark.parametrize(
    ("kind", "subject", "min_ep", "refused"),
    [
        ("u", ACT["sub"], 4, True),
        ("u", ACT["sub"], 3, False),
        ("u", ACT["sub"], None, True),
        ("s", "theirs", None, True),
        ("s", "another", None, False),
    ],
    ids=["locked", "earlier", "gone", "signed out", "another session"],
)
def test_nobody_acts_for_another_longer_than_for_themselves(
    feed: Feed, claims: Claims, kind: Any, subject: str, min_ep: int | None, refused: bool
) -> None:
    acting = replace(claims, act=ACT)
    feed.check(acting)
    transact(feed.revoke(kind, subject, min_ep=min_ep))
    feed._polled_at = None

    for check in (lambda: feed.check(acting), lambda: feed.check_principal(principal_of(acting))):
        if refused:
            with pytest.raises(SessionRevoked):
                check()
        else:
            check()


def test_a_user_without_an_epoch_is_out_altogether(feed: Feed, claims: Claims) -> None:
    transact(feed.revoke("u", "anna"))
    transact(feed.revoke("u", "anna", min_ep=2))

    with pytest.raises(SessionRevoked):
        feed.check(replace(claims, ep=99))


def test_a_revoked_signing_key_makes_its_tokens_invalid(feed: Feed, claims: Claims) -> None:
    transact(feed.revoke("g", "key-1"))

    with pytest.raises(TokenInvalid):
        feed.check(claims)


def test_a_changed_role_makes_older_tokens_with_it_stale(feed: Feed, claims: Claims, frozen: FakeClock) -> None:
    frozen.advance(seconds=5)
    transact(feed.revoke("r", "author"))

    with pytest.raises(TokenStale):
        feed.check(claims)

    feed.check(replace(claims, roles=("user",)))
    feed.check(replace(claims, iat=claims.iat + 6))


def test_an_api_key_is_asked_for_by_its_id(feed: Feed) -> None:
    transact(feed.revoke("k", "key-id"))

    assert feed.is_revoked("k", "key-id")
    assert not feed.is_revoked("k", "another")
    assert not feed.is_revoked("s", "key-id")


def test_a_revocation_elsewhere_is_in_force_within_fifteen_seconds(
    feed: Feed, claims: Claims, authfeed: Table, frozen: FakeClock
) -> None:
    feed.check(claims)
    transact(Feed(authfeed, 600).revoke("s", "family"))

    frozen.advance(seconds=9)

    with pytest.raises(SessionRevoked):
        feed.check(claims)


def test_a_frozen_container_polls_before_it_serves(
    feed: Feed, claims: Claims, authfeed: Table, frozen: FakeClock
) -> None:
    feed.check(claims)
    frozen.advance(minutes=9)
    write(authfeed, at_ms=clock.millis() - 400_000)

    with pytest.raises(SessionRevoked):
        feed.check(claims)


def test_what_was_revoked_before_a_clock_was_set_right_is_known(
    feed: Feed, claims: Claims, authfeed: Table, frozen: FakeClock
) -> None:
    frozen.advance(seconds=120)
    feed.check(claims)
    frozen.advance(seconds=-115)
    write(authfeed, at_ms=clock.millis() - 1_000)

    with pytest.raises(SessionRevoked):
        feed.check(claims)


def test_feed_out_of_order_commit(feed: Feed, claims: Claims, authfeed: Table, frozen: FakeClock) -> None:
    feed.check(claims)
    frozen.advance(seconds=9)
    write(authfeed, at_ms=clock.millis() - 35_000)

    with pytest.raises(SessionRevoked):
        feed.check(claims)


def test_a_cold_start_reads_twenty_minutes_in_pages(claims: Claims, authfeed: Table, frozen: FakeClock) -> None:
    frozen.advance(hours=1)
    write(authfeed, at_ms=clock.millis() - 800_000, subject="old")
    for number in range(120):
        row = FeedRow(
            pk="REV", sk=f"{clock.millis() - number:013d}#{ids.new()}", k="s", id="x" * 10_000, ttl=clock.millis()
        )
        authfeed.put(row)
    feed = Feed(authfeed, 600)

    with aws.metered() as meter:
        assert feed.is_revoked("s", "old")

    # In between it looks whether somebody has packed what is so long.
    assert meter.operations == ["Query", "GetItem", "Query"]


def test_entries_are_dropped_when_no_token_can_be_older(feed: Feed, authfeed: Table, frozen: FakeClock) -> None:
    transact(feed.revoke("s", "family"))
    assert feed.is_revoked("s", "family")

    frozen.advance(seconds=1_201)

    assert not feed.is_revoked("s", "family")


@pytest.mark.parametrize("access_token_seconds", [300, 600, 900])
def test_a_token_to_act_for_somebody_stays_revoked_to_its_end_however_short_others_live(
    claims: Claims, authfeed: Table, frozen: FakeClock, access_token_seconds: int
) -> None:
    feed = Feed(authfeed, access_token_seconds)
    acting = replace(claims, exp=claims.iat + 900, act=ACT)
    transact(feed.revoke("s", str(ACT["sid"])))

    # The leeway of its expiry included.
    for _ in range(93):
        with pytest.raises(SessionRevoked):
            feed.check(acting)
        frozen.advance(seconds=10)


@pytest.mark.asvs("16.5.3")
def test_a_feed_that_fails_is_forgiven_for_fifteen_seconds_and_no_longer(
    feed: Feed, claims: Claims, frozen: FakeClock
) -> None:
    feed.check(claims)
    with failing("dynamodb", "Query", code="InternalServerError") as failed:
        frozen.advance(seconds=15)
        feed.check(claims)
        feed.check(claims)
        assert len(failed) == 2
        frozen.advance(milliseconds=1)
        with pytest.raises(RevocationUnknown):
            feed.check(claims)

    feed.check(claims)


def test_a_process_that_never_read_the_feed_serves_nobody(feed: Feed, claims: Claims) -> None:
    with failing("dynamodb", "Query", code="ThrottlingException"), pytest.raises(RevocationUnknown):
        feed.check(claims)


def test_a_revocation_joins_the_transaction_of_its_reason(feed: Feed, authfeed: Table, claims: Claims) -> None:
    reason = Row(pk="U#anna", sk="MAIN")

    with aws.metered() as meter:
        transact(putting(authfeed, reason), feed.revoke("u", "anna", min_ep=4))

    assert meter.operations == ["TransactWriteItems"]
    with pytest.raises(TokenStale):
        feed.check(claims)


# -- a feed that has become very long -----------------------------------------


ORGANISATION = "01HZX3J0V7Q8M4N5P6R7S8T9ZZ"


def many(authfeed: Table, number: int, *, at_ms: int = 0) -> list[str]:
    """So many ended sessions, written one a millisecond until now."""
    now = at_ms or clock.millis()
    subjects = [ids.new() for _ in range(number)]
    items = [
        {
            "pk": {"S": "REV"},
            "sk": {"S": f"{now - at:013d}#{ids.new()}"},
            "k": {"S": "s"},
            "id": {"S": subject},
            "ttl": {"N": str(now // 1000 + 900)},
        }
        for at, subject in enumerate(subjects)
    ]
    pour(authfeed, items)
    return subjects


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes tens of thousands of entries takes a few hundred here, in pages of a hundred."""
    monkeypatch.setattr(feed_entries, "PACKED_ABOVE", 400)
    monkeypatch.setattr(feed_entries, "PART_ENTRIES", 150)
    real = aws.client("dynamodb").query
    monkeypatch.setattr(aws.client("dynamodb"), "query", lambda **asked: real(**{"Limit": 100, **asked}))


def test_a_long_feed_is_read_packed_and_what_came_after_besides(
    crowded: None, authfeed: Table, claims: Claims, frozen: FakeClock
) -> None:
    before = many(authfeed, 1_000, at_ms=clock.millis() - 60_000)
    writer, role = Feed(authfeed, 600), "librarian"
    transact(writer.revoke("m", f"{ORGANISATION}#", min_ep=4), writer.revoke("r", role))
    assert feed_entries.pack(authfeed) == 1_002
    frozen.advance(minutes=1)
    write(authfeed, at_ms=clock.millis(), subject="after")

    feed = Feed(authfeed, 600)
    with aws.metered() as meter:
        known = [feed.is_revoked("s", subject) for subject in [*before, "after"]]

    assert all(known) and not feed.is_revoked("s", "another")
    # A page, the head, the parts, and what is new; without the pack it would be eleven pages.
    assert meter.operations == ["Query", "GetItem", "Query", "Query"]
    with pytest.raises(TokenStale):
        feed.check(replace(claims, roles=(role,), iat=claims.iat - 100))
    with pytest.raises(TokenStale):
        feed.check(replace(claims, org=ORGANISATION, org_ep=3))


@pytest.mark.parametrize("fault", ["it is old", "a part is missing", "there is none"])
def test_without_a_good_pack_all_of_it_is_read(crowded: None, authfeed: Table, frozen: FakeClock, fault: str) -> None:
    subjects = many(authfeed, 1_000)
    if fault != "there is none":
        feed_entries.pack(authfeed)
    if fault == "it is old":
        frozen.advance(minutes=5)
    if fault == "a part is missing":
        head = authfeed.get(feed_entries.HeadRow, *feed_entries.HEAD)
        assert head is not None
        authfeed.delete(feed_entries.PartRow, f"SNAP#{int(head.at):013d}", "0003")

    feed = Feed(authfeed, 600)

    assert all(feed.is_revoked("s", subject) for subject in subjects)


def test_what_is_committed_late_is_not_lost_between_pack_and_tail(
    crowded: None, authfeed: Table, frozen: FakeClock
) -> None:
    many(authfeed, 1_000)
    feed_entries.pack(authfeed)
    # A writer whose transaction took its time: its moment lies before the pack.
    write(authfeed, at_ms=clock.millis() - 29_000, subject="late")

    assert Feed(authfeed, 600).is_revoked("s", "late")


def test_a_pack_that_was_cut_off_leaves_the_one_before(crowded: None, authfeed: Table, frozen: FakeClock) -> None:
    subjects = many(authfeed, 1_000)
    feed_entries.pack(authfeed)
    frozen.advance(seconds=60)
    subjects += many(authfeed, 500)
    with crash_at("feed.packed"), pytest.raises(Crash):
        feed_entries.pack(authfeed)

    feed = Feed(authfeed, 600)

    assert all(feed.is_revoked("s", subject) for subject in subjects)


def test_a_short_feed_is_not_packed(authfeed: Table) -> None:
    many(authfeed, 50)

    with aws.metered() as meter:
        assert feed_entries.pack(authfeed) == 0

    assert meter.operations == ["Query"]


def test_a_part_fits_into_an_item_of_dynamodb() -> None:
    """The longest there are: memberships, each of somebody else in another organisation, at random moments."""
    chance = Random(7)
    moments = [1_900_000_000_000 + chance.randrange(1_200_000) for _ in range(feed_entries.PART_ENTRIES)]
    entries = [
        feed_entries.Entry("m", f"{ids.new()}#{ids.new()}", chance.randrange(1_000), at, at // 1000 + 900)
        for at in moments
    ]

    assert len(feed_entries._packed(entries)) < 380_000
