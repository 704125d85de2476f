"""What an account shows of itself: where it is signed in, what happened to it; and tickets."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.identity.accounts.actions import staff
from functions.identity.accounts.actions.tokens import Grant, mint
from functions.identity.accounts.cookie_sessions import LIST_SECONDS
from functions.identity.accounts.ports import Ports
from tessera import clock, ids
from tessera.auth import tickets
from tessera.auth.call import Call
from tessera.auth.cookies import ACCESS_COOKIE
from tessera.auth.feed import Feed
from tessera.auth.mac import Mac
from tessera.auth.principal import Principal
from tessera.auth.problems import TokenInvalid
from tessera.settings import Bindings
from tessera.tables import Table
from tests.kit.capacity import CapacityMeter
from tests.kit.clocks import FakeClock
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

from .conftest import PASSWORD, Mailbox, Person
from .neighbours import Neighbours

MakePerson = Callable[..., Person]
NEW = "another evening in town"


def login(http: AppClient, email: str = "ann@example.com", password: str = PASSWORD, **more: Any) -> Any:
    return http.post("/accounts/login", json={"email": email, "password": password, **more})


def activity(http: AppClient, who: Person, **asked: Any) -> Any:
    return http.get("/accounts/me/activity", headers=who.bearer, params=asked)


def actions_of(http: AppClient, who: Person) -> list[str]:
    return [entry["action"] for entry in activity(http, who).json()["items"]]


def browser(**more: Any) -> dict[str, Any]:
    at = "2030-03-14T09:26:53.000Z"
    return {"id": ids.new(), "device": "Firefox", "created_at": at, "last_seen_at": at, **more}


def test_what_happened_comes_newest_first(http: AppClient, person: MakePerson):
    ann = person()
    login(http)
    http.post("/accounts/me/password", json={"current": PASSWORD, "new": NEW}, headers=ann.bearer)

    assert actions_of(http, ann) == ["password-changed", "login", "sign-up"]


def test_an_entry_says_when_by_whom_and_from_which_network(http: AppClient, person: MakePerson):
    ann = person()

    (entry,) = activity(http, ann).json()["items"]

    assert entry["by"] == "you"
    assert entry["at"].startswith("2030-03-14T09:26:53")
    assert entry["session_id"] == ann.signed_in["session_id"]
    assert set(entry) == {"id", "at", "action", "by", "place", "session_id", "detail"}


def test_what_others_do_shows_as_theirs(
    http: AppClient, person: MakePerson, internal: Callable[..., Any], ports: Ports, call: Call, frozen: FakeClock
):
    ann = person()
    frozen.advance(milliseconds=1)
    staff.lock(ports, ann.id, reason="a report", caller=Principal(kind="user", id=ids.new()), call=call)
    frozen.advance(milliseconds=1)
    internal("POST", f"/accounts/internal/users/{ann.id}/unlock")
    again = Person(ann.email, PASSWORD, login(http).json())

    entries = activity(http, again).json()["items"]

    assert [(entry["action"], entry["by"]) for entry in entries[1:3]] == [("unlocked", "system"), ("locked", "staff")]


@pytest.mark.parametrize(
    ("do", "action"),
    [
        (lambda http, ann, other: http.post("/accounts/me/logout", headers=other), "logout"),
        (
            lambda http, ann, other: http.post("/accounts/me/email", json={"email": "x@example.org"}, headers=other),
            None,
        ),
        (
            lambda http, ann, other: http.delete(f"/accounts/me/sessions/{ann.signed_in['session_id']}", headers=other),
            "session-ended",
        ),
    ],
    ids=["signing out", "only asking for something", "ending a session"],
)
def test_what_ends_a_session_is_noted(http: AppClient, person: MakePerson, do: Any, action: str | None):
    ann = person()
    other = {"authorization": f"Bearer {login(http).json()['access_token']}"}

    assert do(http, ann, other).status_code < 300

    seen = actions_of(http, ann)
    assert seen == [*([action] if action else []), "login", "sign-up"]


def test_signing_out_everywhere_is_noted_though_it_is_the_only_event(http: AppClient, person: MakePerson):
    ann = person()
    http.post("/accounts/me/logout-all", headers=ann.bearer)
    again = Person(ann.email, PASSWORD, login(http).json())

    assert actions_of(http, again)[:2] == ["login", "logout-all"]


def test_nobody_sees_what_happened_to_somebody_else(http: AppClient, person: MakePerson):
    ann, bob = person(), person("bob@example.com")
    for _ in range(2):
        login(http, bob.email)

    assert actions_of(http, ann) == ["sign-up"]
    assert actions_of(http, bob) == ["login", "login", "sign-up"]


def test_the_list_goes_on_page_by_page_and_its_cursor_is_its_owners(http: AppClient, person: MakePerson):
    ann, bob = person(), person("bob@example.com")
    for _ in range(4):
        login(http)

    seen, cursor = [], None
    for _ in range(3):
        page = activity(http, ann, limit=2, **({"cursor": cursor} if cursor else {})).json()
        seen += [entry["id"] for entry in page["items"]]
        last, cursor = cursor, page["next"]
    assert len(seen) == len(set(seen)) == 5
    assert cursor is None
    answer = activity(http, bob, limit=2, cursor=last)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-cursor")


def test_what_happened_is_kept_for_90_days(http: AppClient, person: MakePerson, frozen: FakeClock):
    ann = person()
    frozen.advance(days=90, seconds=1)
    later = Person(ann.email, PASSWORD, login(http).json())

    assert actions_of(http, later) == ["login"]


def test_the_list_costs_one_request_and_a_sign_in_none_more(http: AppClient, person: MakePerson, table: Table):
    ann = person()
    activity(http, ann)

    # Of the table: the limiter charges one read in ten, by chance.
    with CapacityMeter() as meter:
        activity(http, ann)

    assert meter.of(table.name).operations == ["Query"]


@pytest.mark.asvs("16.3.1")
def test_the_audit_log_gets_the_same_entries(http: AppClient, person: MakePerson, table: Table):
    ann = person()

    carrying = [item for item in everything_in(table) if item["sk"]["S"].startswith("A#")]

    assert [item["pk"]["S"] for item in carrying] == [f"U#{ann.id}"]
    assert "audit.entry.recorded.v1" in carrying[0]["event"]["S"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=", "cursor=x", "order=asc"], ids=str)
def test_a_list_that_is_asked_for_wrongly_says_so(http: AppClient, person: MakePerson, query: str):
    answer = http.get(f"/accounts/me/activity?{query}", headers=person().bearer)

    assert answer.status_code in (400, 422)


@pytest.mark.asvs("7.5.2")
def test_sessions_of_browsers_stand_beside_those_with_tokens(
    http: AppClient, person: MakePerson, neighbours: Neighbours
):
    ann, found = person(), browser(place="203.0.113.0/24")
    neighbours.answers["/sessions/internal/of"] = (200, {"items": [found]})

    listed = http.get("/accounts/me/sessions", headers=ann.bearer).json()

    assert listed["complete"] is True
    assert {(item["kind"], item["id"]) for item in listed["items"]} == {
        ("token", ann.signed_in["session_id"]),
        ("cookie", found["id"]),
    }
    (of_browser,) = [item for item in listed["items"] if item["kind"] == "cookie"]
    assert (of_browser["device_name"], of_browser["place"], of_browser["current"]) == (
        "Firefox",
        "203.0.113.0/24",
        False,
    )
    path, body, seconds = neighbours.asked[-1]
    assert (path, body) == ("/sessions/internal/of", {"user_id": ann.id})
    assert seconds <= LIST_SECONDS == 0.5


@pytest.mark.parametrize(
    "reply",
    [None, (500, {}), (503, {"type": "/problems/busy"}), (200, {}), (200, {"items": [{"id": "x"}]}), (200, [])],
    ids=["no answer", "broken", "busy", "nothing said", "half said", "another shape"],
)
def test_the_list_says_when_browsers_could_not_be_asked(
    http: AppClient, person: MakePerson, neighbours: Neighbours, reply: Any
):
    ann = person()
    neighbours.answers["/sessions/internal/of"] = reply

    listed = http.get("/accounts/me/sessions", headers=ann.bearer)

    assert listed.status_code == 200
    assert listed.json()["complete"] is False
    assert [item["kind"] for item in listed.json()["items"]] == ["token"]


def test_the_session_of_a_browser_is_ended_like_any_other(http: AppClient, person: MakePerson, neighbours: Neighbours):
    ann, session_id = person(), ids.new()
    neighbours.answers["/sessions/internal/end"] = (200, {"ended": 1})

    assert http.delete(f"/accounts/me/sessions/{session_id}", headers=ann.bearer).status_code == 204
    assert neighbours.asked[-1][:2] == ("/sessions/internal/end", {"user_id": ann.id, "session_id": session_id})


def test_a_session_that_nobody_knows_is_not_there(http: AppClient, person: MakePerson):
    answer = http.delete(f"/accounts/me/sessions/{ids.new()}", headers=person().bearer)

    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_a_session_with_tokens_is_ended_without_asking_anybody(
    http: AppClient, person: MakePerson, neighbours: Neighbours
):
    ann = person()

    assert http.delete(f"/accounts/me/sessions/{ann.signed_in['session_id']}", headers=ann.bearer).status_code == 204
    assert neighbours.asked == []


@pytest.mark.parametrize("reply", [None, (503, {})], ids=["no answer", "busy"])
def test_a_browsers_session_that_cannot_be_ended_now_says_so(
    http: AppClient, person: MakePerson, neighbours: Neighbours, reply: Any
):
    ann = person()
    neighbours.answers["/sessions/internal/end"] = reply

    answer = http.delete(f"/accounts/me/sessions/{ids.new()}", headers=ann.bearer)

    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")


def test_signing_out_everywhere_ends_browsers_too_or_nothing(
    http: AppClient, person: MakePerson, neighbours: Neighbours
):
    ann = person()
    neighbours.answers["/sessions/internal/end"] = None
    refused = http.post("/accounts/me/logout-all", headers=ann.bearer)
    refreshed = http.post("/accounts/token/refresh", json={"refresh_token": ann.refresh_token})
    neighbours.answers["/sessions/internal/end"] = (200, {"ended": 2})

    done = http.post("/accounts/me/logout-all", headers=ann.bearer)

    assert (refused.status_code, refreshed.status_code, done.status_code) == (503, 200, 204)
    assert neighbours.asked[-1][:2] == ("/sessions/internal/end", {"user_id": ann.id, "all": True})
    assert http.post("/accounts/token/refresh", json={"refresh_token": ann.refresh_token}).status_code == 401


def test_a_ticket_names_who_asked_and_is_good_for_half_a_minute(
    http: AppClient, person: MakePerson, bindings: Bindings, frozen: FakeClock
):
    ann = person()

    answer = http.post("/accounts/tickets", headers=ann.bearer)

    assert answer.status_code == 201
    assert answer.json()["expires_at"] == "2030-03-14T09:27:23.000Z"
    assert answer.headers["cache-control"] == "no-store"
    found = tickets.read(answer.json()["ticket"], bindings.get(Mac), bindings.get(Feed))
    assert (found.principal.user_id, found.principal.session_id) == (ann.id, ann.signed_in["session_id"])
    frozen.advance(seconds=31)
    with pytest.raises(TokenInvalid):
        tickets.read(answer.json()["ticket"], bindings.get(Mac), bindings.get(Feed))


def test_two_tickets_are_two(http: AppClient, person: MakePerson, bindings: Bindings):
    ann = person()
    texts = [http.post("/accounts/tickets", headers=ann.bearer).json()["ticket"] for _ in range(2)]

    read = [tickets.read(text, bindings.get(Mac), bindings.get(Feed)) for text in texts]

    assert read[0].id != read[1].id


def test_no_mail_is_read_from_a_list_of_what_happened(http: AppClient, person: MakePerson, mailbox: Mailbox):
    ann = person()
    http.post("/accounts/password/forgot", json={"email": ann.email})
    token = mailbox.token(ann.email, "password-reset")

    assert token not in activity(http, ann).text
    assert ann.email not in activity(http, ann).text


@pytest.fixture
def in_browser(person: MakePerson, ports: Ports) -> tuple[Person, str, dict[str, str]]:
    """Somebody whose session the capability `sessions` keeps, its id, and what their browser sends."""
    ann, session_id = person(), ids.new()
    shown = Grant(session_id, "web", ("pwd",), 1, clock.millis() // 1000)
    token = mint(ports, ports.users.get(ann.id), shown)
    return ann, session_id, {"cookie": f"{ACCESS_COOKIE}={token}", "sec-fetch-site": "same-origin"}


def test_signing_a_browser_out_here_ends_its_session_there(
    http: AppClient, in_browser: tuple[Person, str, dict[str, str]], neighbours: Neighbours
):
    ann, session_id, headers = in_browser
    neighbours.answers["/sessions/internal/end"] = (200, {"ended": 1})

    assert http.post("/accounts/me/logout", headers=headers).status_code == 204
    assert neighbours.asked[-1][:2] == ("/sessions/internal/end", {"user_id": ann.id, "session_id": session_id})


def test_the_list_marks_the_browser_that_asks_as_the_present_one(
    http: AppClient, in_browser: tuple[Person, str, dict[str, str]], neighbours: Neighbours
):
    _, session_id, headers = in_browser
    neighbours.answers["/sessions/internal/of"] = (200, {"items": [{**browser(), "id": session_id}, browser()]})

    items = http.get("/accounts/me/sessions", headers=headers).json()["items"]

    assert [item["id"] for item in items if item["current"]] == [session_id]


def test_a_browser_that_changes_the_password_goes_on_with_another_cookie(
    http: AppClient, in_browser: tuple[Person, str, dict[str, str]], neighbours: Neighbours
):
    """Whoever has copied the old one must not be the first to renew."""
    ann, session_id, headers = in_browser
    epochs = []

    def moved(body):
        # By then the account is as it was: nobody can renew to the new epoch with the old cookie.
        epochs.append(login(http, ann.email).status_code)
        return 200, {"set_cookies": ["__Host-tessera_sid=another; Path=/; Secure; HttpOnly; SameSite=Lax"]}

    neighbours.answers["/sessions/internal/move"] = moved

    changed = http.post("/accounts/me/password", json={"current": PASSWORD, "new": NEW}, headers=headers)

    assert changed.status_code == 200 and changed.headers["set-cookie"].startswith("__Host-tessera_sid=another;")
    assert ("/sessions/internal/move", {"user_id": ann.id, "session_id": session_id}) in [
        one[:2] for one in neighbours.asked
    ]
    assert epochs == [200], "the old password was good still"


@pytest.mark.parametrize(("answer", "status"), [((401, {}), 401), (None, 503)], ids=["it is over", "no answer"])
def test_a_browser_whose_session_cannot_be_moved_changes_nothing(
    http: AppClient, in_browser: tuple[Person, str, dict[str, str]], neighbours: Neighbours, answer, status: int
):
    ann, _, headers = in_browser
    neighbours.answers["/sessions/internal/move"] = answer

    refused = http.post("/accounts/me/password", json={"current": PASSWORD, "new": NEW}, headers=headers)

    assert refused.status_code == status and login(http, ann.email).status_code == 200


def test_a_browser_can_change_the_password_and_stays_signed_in(
    http: AppClient, in_browser: tuple[Person, str, dict[str, str]], table: Table, frozen: FakeClock
):
    ann, session_id, headers = in_browser

    changed = http.post("/accounts/me/password", json={"current": PASSWORD, "new": NEW}, headers=headers)

    assert (changed.status_code, changed.json()["session_id"]) == (200, session_id)
    told = [
        item["event"]["S"] for item in everything_in(table) if "password_changed" in item.get("event", {}).get("S", "")
    ]
    assert [session_id in event for event in told] == [True]
    frozen.advance(seconds=9)
    later = {"authorization": f"Bearer {changed.json()['access_token']}"}
    assert http.get("/accounts/me", headers=later).status_code == 200
    assert http.get("/accounts/me", headers=ann.bearer).status_code == 401
