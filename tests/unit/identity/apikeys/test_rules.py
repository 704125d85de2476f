"""What may become of a key."""

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.identity.apikeys.rules import (
    IN_USE,
    ExpiryLater,
    KeyNotActive,
    ScopesWider,
    Status,
    check_earlier,
    check_in_use,
    check_narrower,
    days_left,
    networks,
    next_notice,
    status_at,
)
from tessera.problems import InvalidRequest

NOW = datetime(2030, 3, 14, 9, 26, 53, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize("status", IN_USE)
def test_a_key_has_expired_from_its_end_on(status: Status) -> None:
    assert status_at(status.value, NOW + timedelta(milliseconds=1), NOW) is status
    assert status_at(status.value, NOW, NOW) is Status.EXPIRED


def test_a_revoked_key_stays_revoked_whatever_the_time() -> None:
    assert status_at("revoked", NOW - DAY, NOW) is Status.REVOKED


@pytest.mark.parametrize("status", [Status.REVOKED, Status.EXPIRED])
def test_the_end_of_a_key_is_final(status: Status) -> None:
    with pytest.raises(KeyNotActive, match=status.value):
        check_in_use(status)


def test_scopes_may_only_get_fewer() -> None:
    check_narrower(["tasks:read", "tasks:write"], ["tasks:read"])
    check_narrower(["tasks:read"], ["tasks:read"])

    with pytest.raises(ScopesWider, match="blog:read, blog:write"):
        check_narrower(["tasks:read"], ["tasks:read", "blog:write", "blog:read"])


def test_an_end_may_only_come_earlier_and_not_be_past() -> None:
    check_earlier(NOW + 2 * DAY, NOW + DAY, NOW)
    check_earlier(NOW + DAY, NOW + DAY, NOW)

    with pytest.raises(ExpiryLater):
        check_earlier(NOW + DAY, NOW + 2 * DAY, NOW)
    with pytest.raises(InvalidRequest) as refused:
        check_earlier(NOW + DAY, NOW, NOW)
    assert [error.pointer for error in refused.value.errors] == ["/expires_at"]


@pytest.mark.parametrize(
    ("given_as", "kept_as"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("2001:DB8::/48", "2001:db8::/48"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
    ],
)
def test_a_network_has_one_spelling(given_as: str, kept_as: str) -> None:
    assert networks([given_as]) == [kept_as]


def test_a_network_named_twice_is_kept_once() -> None:
    assert networks(["10.0.0.0/8", "::ffff:10.0.0.0/104"]) == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0",
        "localhost",
        "10.0.0.0/8 ",
        "2001:db8::1/48",
        "fe80::1%eth0",
        "2001:db8::%x/32",
    ],
)
def test_what_is_no_network_is_pointed_at(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        networks(["10.0.0.0/8", text])

    assert [error.pointer for error in refused.value.errors] == ["/ip_allow/1"]


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_a_network_holds_the_same_addresses_however_it_is_written(number: int, length: int) -> None:
    plain = ipaddress.ip_network((number, length), strict=False)
    mapped = f"::ffff:{plain.network_address}/{96 + length}"

    assert networks([mapped]) == networks([str(plain)]) == [str(plain)]


@pytest.mark.parametrize(
    ("life", "first"),
    [(90 * DAY, 76 * DAY), (14 * DAY, 11 * DAY), (5 * DAY, 2 * DAY), (3 * DAY, 3 * DAY), (DAY, DAY)],
    ids=str,
)
def test_the_first_notice_is_the_next_of_14_3_and_0_days(life: timedelta, first: timedelta) -> None:
    assert next_notice(NOW + life, NOW) == NOW + first


def test_each_notice_is_followed_by_the_next_and_the_last_by_none() -> None:
    ends, told, now = NOW + 90 * DAY, [], NOW
    while (when := next_notice(ends, now)) is not None:
        told.append(days_left(ends, when))
        now = when

    assert told == [14, 3, 0]
