import pytest

from tessera import aws
from tessera.auth.feed import LIVES_ON_SECONDS
from tessera.auth.keyring import KeyRing
from tessera.problems import Unavailable
from tessera.tables import Table
from tests.kit.clocks import FakeClock
from tests.kit.faults import failing
from tests.kit.tokens import Signer, publish


@pytest.fixture
def ring(frozen: FakeClock, authfeed: Table) -> KeyRing:
    return KeyRing(authfeed)


def test_a_known_key_costs_one_request_in_all(ring: KeyRing, signer: Signer) -> None:
    with aws.metered() as meter:
        keys = [ring.public_key(signer.kid) for _ in range(50)]

    assert all(key is not None for key in keys)
    assert meter.operations == ["GetItem"]


def test_unknown_keys_cause_one_reload_in_thirty_seconds(ring: KeyRing, signer: Signer, frozen: FakeClock) -> None:
    ring.public_key(signer.kid)

    with aws.metered() as meter:
        for second in range(60):
            assert ring.public_key(f"forged-{second}") is None
            frozen.advance(seconds=1)

    assert meter.requests == 1


def test_a_key_published_later_is_found_by_its_first_token(
    ring: KeyRing, signer: Signer, authfeed: Table, frozen: FakeClock
) -> None:
    ring.public_key(signer.kid)
    later = Signer()
    publish(authfeed, signer.entry("retiring"), later.entry("next"))
    frozen.advance(seconds=31)

    assert ring.public_key(later.kid) is not None
    assert ring.public_key(signer.kid) is not None


def test_a_key_revoked_meanwhile_is_forgotten_before_the_feed_forgets_it(
    ring: KeyRing, signer: Signer, authfeed: Table, frozen: FakeClock
) -> None:
    assert ring.public_key(signer.kid) is not None
    publish(authfeed, signer.entry("revoked"), Signer().entry("active"))

    frozen.advance(seconds=LIVES_ON_SECONDS)

    assert ring.public_key(signer.kid) is None


def test_a_ring_in_use_is_read_again_every_five_minutes(ring: KeyRing, signer: Signer, frozen: FakeClock) -> None:
    with aws.metered() as meter:
        for _ in range(20):
            assert ring.public_key(signer.kid) is not None
            frozen.advance(minutes=1)

    assert meter.operations == ["GetItem"] * 4


@pytest.mark.asvs("9.1.3")
def test_a_revoked_key_is_no_key(frozen: FakeClock, signer: Signer, authfeed: Table) -> None:
    publish(authfeed, signer.entry("revoked"))

    assert KeyRing(authfeed).public_key(signer.kid) is None


def test_an_empty_ring_is_looked_at_again_soon(frozen: FakeClock, signer: Signer, authfeed: Table) -> None:
    publish(authfeed)
    ring = KeyRing(authfeed)
    assert ring.public_key(signer.kid) is None
    publish(authfeed, signer.entry())
    assert ring.public_key(signer.kid) is None

    frozen.advance(seconds=1)

    assert ring.public_key(signer.kid) is not None


def test_a_ring_that_cannot_be_read_is_no_reason_to_call_a_token_invalid(ring: KeyRing, signer: Signer) -> None:
    with failing("dynamodb", "GetItem", code="InternalServerError"), pytest.raises(Unavailable):
        ring.public_key(signer.kid)

    assert ring.public_key(signer.kid) is not None


def test_a_clock_that_went_back_does_not_stop_reloads(
    ring: KeyRing, signer: Signer, authfeed: Table, frozen: FakeClock
) -> None:
    ring.public_key(signer.kid)
    later = Signer()
    publish(authfeed, later.entry())
    frozen.advance(hours=-1)

    assert ring.public_key(later.kid) is not None
