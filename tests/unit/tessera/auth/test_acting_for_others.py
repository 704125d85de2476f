"""Acting for an organisation or for somebody else, roles that admin defines, and tickets."""

from collections.abc import Callable

import pytest

from tessera import auth, log
from tessera.auth import tickets
from tessera.auth.call import Call
from tessera.auth.custom_roles import CustomRoles
from tessera.auth.feed import Feed
from tessera.auth.guards import Guard
from tessera.auth.internal import Internal
from tessera.auth.mac import Mac
from tessera.auth.principal import Principal
from tessera.auth.problems import ImpersonationForbidden, InsufficientScope, SessionRevoked, TokenInvalid, TokenStale
from tessera.problems import Busy
from tessera.settings import Bindings
from tessera.transact import transact
from tests.kit.clocks import FakeClock
from tests.kit.tokens import Signer

MakeCall = Callable[..., Call]
ATELIER, ALICE = "01J00000000000000000000ORG", "01J0000000000000000000000A"


def guard(permission: str, **options: bool) -> Guard:
    found = auth.require(permission, **options).dependency
    assert isinstance(found, Guard)
    return found


def test_a_viewer_reads_what_is_the_organisations_and_changes_nothing(call: MakeCall, signer: Signer) -> None:
    token = signer.token(org=ATELIER, org_role="viewer")

    assert guard("tasks:read").admit(call(token=token)).owner_id == ATELIER
    with pytest.raises(InsufficientScope):
        guard("tasks:write").admit(call("POST", token=token))


def test_a_role_of_the_organisations_own_holds_what_the_token_names_and_never_more_than_a_user(
    call: MakeCall, signer: Signer
) -> None:
    token = signer.token(org=ATELIER, org_role="clerk", perms=["tasks:read", "backups:restore"])

    found = guard("tasks:read").admit(call(token=token))

    assert found.permissions == {"tasks:read"}


def test_what_is_the_persons_own_is_not_changed_while_acting_for_an_organisation(
    call: MakeCall, signer: Signer
) -> None:
    token = signer.token(org=ATELIER, org_role="owner")

    guard("accounts:self").admit(call(token=token))
    guard("accounts:self", in_organisation=True).admit(call("POST", token=token))
    with pytest.raises(InsufficientScope):
        guard("accounts:self").admit(call("POST", token=token))


def test_a_removed_member_is_out_and_a_demoted_one_has_to_refresh(
    call: MakeCall, signer: Signer, bindings: Bindings, frozen: FakeClock
) -> None:
    feed, reader = bindings.get(Feed), guard("tasks:read")
    claims = {"org": ATELIER, "org_role": "member", "sub": ALICE}
    before, after = signer.token(**claims, org_ep=1), signer.token(**claims, org_ep=2)
    reader.admit(call(token=before))

    transact(feed.revoke("m", f"{ATELIER}#{ALICE}", min_ep=2))
    frozen.advance(seconds=9)

    reader.admit(call(token=after))
    with pytest.raises(TokenStale):
        reader.admit(call(token=before))

    transact(feed.revoke("m", f"{ATELIER}#{ALICE}"))
    frozen.advance(seconds=9)
    with pytest.raises(SessionRevoked):
        reader.admit(call(token=after))


def test_nobody_acts_for_an_organisation_that_is_gone(
    call: MakeCall, signer: Signer, bindings: Bindings, frozen: FakeClock
) -> None:
    token = signer.token(org=ATELIER, org_role="owner")
    transact(bindings.get(Feed).revoke("m", f"{ATELIER}#"))

    with pytest.raises(SessionRevoked):
        guard("tasks:read").admit(call(token=token))
    guard("tasks:read").admit(call(token=signer.token()))


def test_impersonation_is_shown_and_reads_unless_writing_was_allowed(call: MakeCall, signer: Signer) -> None:
    looking = signer.token(act={"sub": "boss", "sid": "s"})
    writing = signer.token(act={"sub": "boss", "sid": "s", "write": True})
    asked = call(token=looking)

    guard("tasks:read").admit(asked)
    guard("tasks:write").admit(call("POST", token=writing))

    assert asked.answer_headers["Tessera-Impersonated-By"] == "boss"
    with pytest.raises(ImpersonationForbidden):
        guard("tasks:write").admit(call("POST", token=looking))


@pytest.mark.parametrize("permission", ["accounts:self", "apikeys:self", "payments:write", "organisations:write"])
def test_what_is_the_persons_own_is_never_changed_by_somebody_else(
    call: MakeCall, signer: Signer, permission: str
) -> None:
    token = signer.token(act={"sub": "boss", "sid": "s", "write": True})

    with pytest.raises(ImpersonationForbidden):
        guard(permission).admit(call("POST", token=token))


def test_a_route_that_asks_for_no_permission_is_the_persons_own_by_its_capability(
    call: MakeCall, signer: Signer
) -> None:
    token = signer.token(act={"sub": "boss", "sid": "s", "write": True})
    anybody = auth.current_user().dependency

    with log.scope("tasks"):
        anybody.admit(call("POST", token=token))
    with log.scope("accounts"):
        anybody.admit(call(token=token))
        with pytest.raises(ImpersonationForbidden):
            anybody.admit(call("POST", token=token))


def test_roles_that_ship_hold_until_the_first_change_and_then_only_one_writer_wins(bindings: Bindings) -> None:
    roles = CustomRoles(bindings.get(Feed)._table)
    shipped, version = roles.current()

    transact(roles.defining({"clerk": frozenset(["tasks:read"])}, version=version, refused=Busy()))
    with pytest.raises(Busy):
        transact(roles.defining({"other": frozenset()}, version=version, refused=Busy()))

    assert shipped["librarian"] == {"library:manage"}
    assert roles.held_by({"user", "clerk", "librarian"}) == {"tasks:read"}


def test_who_has_only_built_in_roles_costs_no_request(bindings: Bindings) -> None:
    from tessera import aws

    with aws.metered() as meter:
        assert bindings.get(CustomRoles).held_by({"user", "owner"}) == frozenset()

    assert meter.requests == 0


def test_a_ticket_is_its_principal_for_half_a_minute(bindings: Bindings, frozen: FakeClock) -> None:
    mac, feed = bindings.get(Mac), bindings.get(Feed)
    alice = Principal(kind="user", id=ALICE, user_id=ALICE, session_id="s-1", permissions=frozenset(["tasks:read"]))
    text, _ = tickets.issue(mac, alice)

    assert tickets.read(text, mac, feed).principal == alice
    for forged in (text[:-3] + "AAA", "twt_", text.replace("twt_", "trt_"), "twt_a.b", text + "x" * 5_000):
        with pytest.raises(TokenInvalid):
            tickets.read(forged, mac, feed)
    frozen.advance(seconds=31)
    with pytest.raises(TokenInvalid):
        tickets.read(text, mac, feed)


def test_a_ticket_of_a_session_that_was_ended_is_refused(bindings: Bindings, frozen: FakeClock) -> None:
    mac, feed = bindings.get(Mac), bindings.get(Feed)
    text, _ = tickets.issue(mac, Principal(kind="user", id=ALICE, user_id=ALICE, session_id="s-1"))

    transact(feed.revoke("s", "s-1"))
    frozen.advance(seconds=9)

    with pytest.raises(SessionRevoked):
        tickets.read(text, mac, feed)


@pytest.mark.parametrize(
    ("state", "refused"),
    [
        ({"status": "active", "epoch": 1}, None),
        ({"status": "active", "epoch": 2}, TokenStale),
        ({"status": "locked", "epoch": 1}, SessionRevoked),
        (None, SessionRevoked),
    ],
)
def test_a_live_check_asks_how_the_user_stands_now(call, signer, bindings, state, refused) -> None:
    import json

    def answer(function, event, timeout_seconds):
        return {"statusCode": 200 if state else 404, "body": json.dumps(state) if state else ""}

    bindings.replace(Internal, Internal("tasks", bindings, answer))
    asked = call("POST", token=signer.token(ep=1))

    if refused is None:
        guard("tasks:write", live=True).admit(asked)
    else:
        with pytest.raises(refused):
            guard("tasks:write", live=True).admit(asked)
