"""HTTP: statuses, headers, and who is refused."""

from functools import partial

import pytest

from functions.live.notifications.actions import unsubscribe
from functions.live.notifications.app import handler
from tessera import ids
from tests.kit.apps import invocation
from tests.kit.faults import meanwhile
from tests.kit.races import together

PREFERENCES = "/notifications/preferences"
KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}


@pytest.fixture
def ann(world):
    return world.caller(world.person())


@pytest.fixture
def admin(world):
    return world.caller(role="admin")


def put(caller, path, body, **headers):
    return caller.request("PUT", path, json=body, headers=headers)


def choose(caller, body):
    version = caller.get(PREFERENCES).headers["etag"]
    return put(caller, PREFERENCES, body, **{"if-match": version})


def test_a_feed_is_read_page_by_page_with_its_count(world, ann):
    for number in range(3):
        world.send(ann.id, data={"title": f"News {number}"})
        world.clock.advance(seconds=1)

    page = ann.get("/notifications?limit=2")
    rest = ann.get(f"/notifications?limit=2&cursor={page.json()['next']}")

    assert [one["title"] for one in page.json()["items"] + rest.json()["items"]] == ["News 2", "News 1", "News 0"]
    assert page.headers["x-unread-count"] == "3" and rest.json()["next"] is None
    assert world.caller().get(f"/notifications?limit=2&cursor={page.json()['next']}").status_code == 400


def test_what_a_person_does_with_one_is_repeatable(world, ann):
    world.send(ann.id)
    one = f"/notifications/{world.feed(ann.id)[0].id}"

    for verb, unread in (("read", 0), ("read", 0), ("unread", 1), ("archive", 0), ("archive", 0)):
        assert put(ann, f"{one}/{verb}", None).status_code == 200
        assert ann.get("/notifications/count").json()["unread"] == unread

    assert ann.get("/notifications?archived=true").json()["items"][0]["id"] == one[-26:]
    assert ann.get("/notifications?archived=true&unread=true").status_code == 422
    assert world.caller(world.person()).get(one).status_code == 404


def test_all_is_read_and_seen(world, ann):
    for _ in range(3):
        world.send(ann.id)
        world.clock.advance(seconds=1)
    newest = world.feed(ann.id)[0].id

    assert ann.get("/notifications/count").json() == {"unread": 3, "unseen": 3, "seen_id": None, "read_before": None}
    assert put(ann, "/notifications/seen", {"id": newest}).json()["unseen"] == 0
    assert ann.post("/notifications/read-all", json={"before_id": newest}).json() == {"marked": 3, "done": True}
    assert ann.get("/notifications?unread=true").json()["items"] == []


def test_preferences_are_kept_and_versioned(ann):
    body = {
        "tz": "Europe/Berlin",
        "matrix": {"order": {"email": False}},
        "digests": {"*": {"cadence": "weekly", "at": "07:30", "weekday": "fri"}},
        "quiet_hours": {"windows": [{"days": ["mon", "sun"], "start": "22:00", "end": "07:00"}], "mode": "drop"},
    }

    assert ann.get(PREFERENCES).headers["etag"] == '"v0"'
    made = choose(ann, body)

    assert (made.status_code, made.headers["etag"]) == (200, '"v1"')
    assert {name: ann.get(PREFERENCES).json()[name] for name in body} == body
    assert put(ann, PREFERENCES, body, **{"if-match": '"v0"'}).status_code == 412
    assert put(ann, PREFERENCES, body).status_code == 428


def test_two_who_choose_at_once_do_not_undo_each_other(ann):
    results = together(lambda: put(ann, PREFERENCES, {}, **{"if-match": '"v0"'}).status_code, times=5)

    assert sorted(result.value for result in results) == [200, 412, 412, 412, 412]


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"tz": "Mars/Olympus"}, 422, "/tz"),
        ({"matrix": {"nothing": {"email": True}}}, 422, "/matrix/nothing"),
        ({"matrix": {"order": {"fax": True}}}, 422, None),
        ({"matrix": {"account-security": {"inapp": False}}}, 409, None),
        ({"digests": {"*": {"cadence": "weekly", "at": "25:00"}}}, 422, None),
        ({"quiet_hours": {"windows": [{"days": ["mon"], "start": "9", "end": "10:00"}]}}, 422, None),
        (
            {
                "quiet_hours": {
                    "windows": [
                        {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "00:00", "end": "00:00"}
                    ]
                }
            },
            422,
            "/quiet_hours/windows",
        ),
        ({"webhooks": ["https://10.0.0.1/x"]}, 422, "/webhooks/0"),
        ({"webhooks": ["gopher://example.com/x"]}, 422, "/webhooks/0"),
        ({"more": 1}, 422, "/more"),
    ],
    ids=str,
)
def test_what_cannot_be_chosen_is_pointed_at(ann, body, status, pointer):
    answer = choose(ann, body)

    assert answer.status_code == status
    assert pointer is None or pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_a_preview_says_when(ann):
    choose(ann, {"digests": {"order": {"cadence": "hourly"}}, "matrix": {"order": {"push": False}}})

    shown = ann.get(f"{PREFERENCES}/preview?type=order").json()["channels"]

    assert shown["email"] == {"state": "digest", "reason": "hourly", "at": "2030-03-14T10:00:00.000Z"}
    assert (shown["inapp"]["state"], shown["push"]["reason"]) == ("pending", "off")
    assert ann.get(f"{PREFERENCES}/preview?type=nothing").status_code == 422


def test_one_click_unsubscribe(world, ann):
    token = unsubscribe.token_of(world.ports, ann.id, "order")
    path = f"/notifications/unsubscribe?token={token}"

    page = world.client.get(path)
    assert page.status_code == 200 and "<form" in page.text
    assert ann.get(PREFERENCES).json()["matrix"] == {}
    form = {"content-type": "application/x-www-form-urlencoded"}
    for _ in range(2):
        assert world.client.post(path, content="List-Unsubscribe=One-Click", headers=form).status_code == 200

    assert ann.get(PREFERENCES).json()["matrix"] == {"order": {"email": False}}
    for bad in (token[:-2], f"x{token}", "x.y", "x", unsubscribe.token_of(world.ports, ann.id, "nothing")):
        assert world.client.post(f"/notifications/unsubscribe?token={bad}").status_code == 410


def test_mails_carry_the_link_that_ends_them(world, ann):
    choose(ann, {"matrix": {"order": {"push": False}}})
    world.send(ann.id, kind="order", data={"number": "1", "what": "x"})

    (letter,) = world.mail.letters.values()
    assert letter.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = letter.headers["List-Unsubscribe"].strip("<>").removeprefix(world.settings.base)
    assert world.client.post(path).status_code == 200


def test_device_token_moves(world, ann):
    body = {"platform": "fcm", "token": "a-token-of-a-phone", "name": "Phone"}
    made = ann.post("/notifications/devices", json=body)
    other = world.caller(world.person())
    assert ann.post("/notifications/devices", json=body).json()["id"] == made.json()["id"]

    assert other.post("/notifications/devices", json=body).status_code == 201

    assert ann.get("/notifications/devices").json()["items"] == []
    assert [one["name"] for one in other.get("/notifications/devices").json()["items"]] == ["Phone"]
    assert ann.delete(made.headers["location"]).status_code == 404
    assert other.delete(made.headers["location"]).status_code == 204


def test_a_device_that_two_register_at_once_has_one_owner(world):
    people = [world.person() for _ in range(5)]

    together(*(lambda user=user: world.store.devices.register(user, "fcm", "one-token-for-all") for user in people))

    assert sum(len(world.store.devices.of(user)) for user in people) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"platform": "web", "subscription": {"endpoint": "https://127.0.0.1/x", "keys": KEYS}},
        {"platform": "web", "subscription": {"endpoint": "http://push.example/x", "keys": KEYS}},
        {"platform": "web", "subscription": {"endpoint": "https://push.example/x", "keys": {**KEYS, "auth": "AA"}}},
        {"platform": "web", "subscription": {"endpoint": "https://push.example/x", "keys": {**KEYS, "p256dh": "BAAA"}}},
        {"platform": "web", "subscription": {"endpoint": "https://push.example/x", "keys": {**KEYS, "auth": "=="}}},
        {"platform": "web", "token": "a-token-of-a-phone"},
        {"platform": "fcm", "token": "x"},
        {"platform": "pager", "token": "a-token-of-a-phone"},
    ],
    ids=str,
)
def test_a_device_that_cannot_be_reached_is_refused(ann, body):
    assert ann.post("/notifications/devices", json=body).status_code == 422


def test_a_browser_subscribes(ann):
    body = {
        "platform": "web",
        "subscription": {"endpoint": "https://push.example/x", "expirationTime": None, "keys": KEYS},
    }

    assert ann.post("/notifications/devices", json=body).status_code == 201
    assert len(ann.get("/notifications/push-key").json()["public_key"]) == 87


def test_a_number_is_used_once_its_code_has_come_back(world, ann):
    assert put(ann, "/notifications/phone", {"number": "+491701234567"}).status_code == 202
    code = world.door.stand_ins["twilio"].inbox[-1]["body"][:6]
    wrong = "000000" if code != "000000" else "111111"

    assert ann.post("/notifications/phone/confirm", json={"code": wrong}).status_code == 422
    assert ann.get(PREFERENCES).json()["number"] is None
    assert ann.post("/notifications/phone/confirm", json={"code": code}).json() == {"number": "+491701234567"}
    assert ann.get(PREFERENCES).json()["number"] == "+491701234567"
    assert ann.post("/notifications/phone/confirm", json={"code": code}).status_code == 409
    assert ann.delete("/notifications/phone").status_code == 204
    assert ann.get(PREFERENCES).json()["number"] is None


def test_a_code_that_is_sent_twice_at_once_confirms_once(world, ann):
    put(ann, "/notifications/phone", {"number": "+491701234567"})
    code = world.door.stand_ins["twilio"].inbox[-1]["body"][:6]
    confirm = partial(ann.post, "/notifications/phone/confirm", json={"code": code})
    answers = []

    with meanwhile("TransactWriteItems", lambda: answers.append(confirm())):
        answers.append(confirm())

    assert [answer.status_code for answer in answers] == [200, 409]
    assert ann.get(PREFERENCES).json()["number"] == "+491701234567"


def test_a_code_cannot_be_guessed_nor_asked_for_all_day(world, ann):
    for _ in range(5):
        assert put(ann, "/notifications/phone", {"number": "+491701234567"}).status_code == 202
    assert put(ann, "/notifications/phone", {"number": "+491701234567"}).status_code == 422
    code = world.door.stand_ins["twilio"].inbox[-1]["body"][:6]
    wrong = "000000" if code != "000000" else "111111"

    results = together(lambda: ann.post("/notifications/phone/confirm", json={"code": wrong}).status_code, times=8)

    assert sorted(result.value for result in results) == [409] * 3 + [422] * 5
    assert ann.post("/notifications/phone/confirm", json={"code": code}).status_code == 409


@pytest.mark.parametrize("number", ["0170123456", "+0170123", "+49 170", "+4917012345678901", "tel:+49"])
def test_a_number_is_in_its_international_form(ann, number):
    assert put(ann, "/notifications/phone", {"number": number}).status_code == 422


def test_sending_answers_with_a_batch_that_says_what_became_of_it(world, admin):
    people = [world.person() for _ in range(3)]
    body = {"type": "announcement", "recipients": [*people, ids.new()], "data": {"title": "Hello"}}
    key = {"idempotency-key": "once"}

    sent = admin.post("/notifications/send", json=body, headers=key)
    again = admin.post("/notifications/send", json=body, headers=key)
    world.work()

    assert (sent.status_code, sent.json()["accepted"]) == (202, 4)
    assert again.json() == sent.json() and again.headers["idempotent-replay"] == "true"
    shown = admin.get(sent.headers["location"]).json()
    assert (shown["state"], shown["channels"], shown["skipped"]) == ("done", {"inapp": {"sent": 3}}, {"unknown": 1})
    assert admin.delete(sent.headers["location"]).status_code == 409


@pytest.mark.parametrize(
    ("changed", "slug"),
    [
        ({"type": "nothing"}, "unknown-notification-type"),
        ({"data": {"title": 5}}, "notification-data-invalid"),
        ({"data": {"x": "y"}}, "notification-data-invalid"),
        ({"recipients": []}, "invalid-request"),
        ({"recipients": ["x"]}, "invalid-request"),
        ({"topic": "public.x"}, "invalid-request"),
        ({"priority": "urgent"}, "invalid-request"),
        ({"channels": []}, "invalid-request"),
        ({"dedupe_key": "a b"}, "invalid-request"),
        ({"send_at": "2030-03-15T00:00:00Z", "expires_at": "2030-03-14T00:00:00Z"}, "invalid-request"),
    ],
    ids=str,
)
def test_what_cannot_be_sent_is_refused(world, admin, changed, slug):
    body = {"type": "announcement", "recipients": [ids.new()], "data": {"title": "Hello"}, **changed}

    answer = admin.post("/notifications/send", json=body)

    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{slug}")


def test_a_batch_for_later_is_cancelled(world, admin):
    body = {
        "type": "announcement",
        "recipients": [world.person()],
        "send_at": "2030-03-15T00:00:00Z",
        "data": {"title": "x"},
    }
    sent = admin.post("/notifications/send", json=body)

    assert admin.get(sent.headers["location"]).json()["state"] == "scheduled"
    assert admin.delete(sent.headers["location"]).json()["state"] == "cancelled"


def test_topics_are_followed_by_whoever_may(world, ann, admin):
    assert put(ann, "/notifications/topics/public.news/subscription", None).status_code == 204
    assert put(ann, "/notifications/topics/staff.x/subscription", None).status_code == 404
    added = admin.post("/notifications/topics/staff.x/subscribers", json={"user_ids": [ann.id]})
    assert added.status_code == 204
    assert [one["topic"] for one in ann.get("/notifications/topics").json()["items"]] == ["public.news", "staff.x"]

    admin.post("/notifications/send", json={"type": "announcement", "topic": "staff.x", "data": {"title": "x"}})
    world.work()
    assert world.unread(ann.id) == 1

    assert ann.delete("/notifications/topics/staff.x/subscription").status_code == 204
    admin.post("/notifications/topics/public.news/subscribers/remove", json={"user_ids": [ann.id]})
    assert ann.get("/notifications/topics").json()["items"] == []


def test_templates_are_published_and_rolled_back(world, admin):
    path = "/notifications/types/order/templates/inapp/de"
    assert put(admin, path, {"title": "Bestellung {{number}}"}).json() == {"version": 1}
    assert put(admin, path, {"title": "Auftrag {{number}}"}).json() == {"version": 2}
    user = world.person(locale="de-AT")
    world.send(user, kind="order", data={"number": "1"})
    assert world.feed(user)[0].title == "Auftrag 1"

    assert admin.post(f"{path}/rollback", json={"version": 1}).status_code == 200
    assert admin.post(f"{path}/rollback", json={"version": 9}).status_code == 404
    world.send(user, kind="order", data={"number": "2"})

    assert world.feed(user)[0].title == "Bestellung 2" or world.feed(user)[1].title == "Bestellung 2"
    shown = admin.get("/notifications/types/order").json()["templates"]
    assert [(one["number"], one["published"]) for one in shown] == [(1, True), (2, False)]


def test_two_who_publish_at_once_make_two_versions(world, admin):
    path = "/notifications/types/order/templates/sms/en"

    results = together(lambda: put(admin, path, {"body": "x {{number}}"}).json()["version"], times=4)

    assert sorted(result.value for result in results) == [1, 2, 3, 4]


def test_a_template_with_an_unknown_variable_names_its_line(admin):
    answer = put(admin, "/notifications/types/order/templates/email/en", {"title": "x", "body": "a\nb {{nubmer}}"})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "/body", "detail": "Line 2: The type's schema names no nubmer."}]


def test_a_type_is_made_and_its_schema_keeps_to_its_templates(admin):
    body = {
        "title": "Polls",
        "schema": {"type": "object", "properties": {"q": {"type": "string"}}},
        "channels": ["inapp"],
    }
    path = "/notifications/types/poll"
    made = put(admin, path, body, **{"if-match": '"v0"'})
    assert (made.status_code, made.headers["etag"]) == (200, '"v1"')
    assert put(admin, f"{path}/templates/inapp/en", {"title": "{{q}}"}).status_code == 200

    narrower = {**body, "schema": {"type": "object", "properties": {}}}

    assert (
        put(admin, path, narrower, **{"if-match": '"v1"'}).json()["type"] == "/problems/notification-template-invalid"
    )
    assert put(admin, path, body, **{"if-match": '"v0"'}).status_code == 412
    assert put(admin, path, {**body, "mandatory": ["sms"]}, **{"if-match": '"v1"'}).status_code == 422
    shown = admin.post(f"{path}/preview", json={"channel": "inapp", "data": {"q": "Yes?"}})
    assert shown.json()["title"] == "Yes?"
    assert admin.post(f"{path}/preview", json={"channel": "inapp", "data": {"z": 1}}).status_code == 422


def test_deliveries_are_looked_at_and_brought_back(world, admin):
    from functions.live.notifications.providers.outcomes import Refused

    user = world.person(matrix={"*": {"push": False}})
    world.mail.errors = [Refused("no")]
    world.send(user, kind="order", data={"number": "1"})

    (found,) = admin.get(f"/notifications/deliveries?user={user}&state=failed").json()["items"]
    assert (found["reason"], found["attempts"], len(found["history"])) == ("no", 1, 1)
    assert admin.get("/notifications/deliveries?state=failed").json()["items"][0]["id"] == found["id"]
    assert admin.get("/notifications/deliveries?state=sent").status_code == 422
    assert admin.get("/notifications/dead-letters").json()["items"] == []
    assert admin.post(f"/notifications/dead-letters/{found['id']}/redrive").status_code == 202
    assert admin.post(f"/notifications/dead-letters/{found['id']}/redrive").status_code == 409
    assert admin.post(f"/notifications/dead-letters/{ids.new()}-email/redrive").status_code == 404
    assert admin.post("/notifications/dead-letters/redrive", json={}).json() == {"messages": 0}


def test_what_twilio_calls_back_with_is_signed(world):
    stand_in, base = world.door.stand_ins["twilio"], world.settings.base
    form = {"From": "+491701234567", "Body": "STOP"}
    signed = {"x-twilio-signature": stand_in.signature(f"{base}/notifications/sms/inbound", form)}

    answer = world.client.post("/notifications/sms/inbound", data=form, headers=signed)
    forged = world.client.post("/notifications/sms/inbound", data={**form, "Body": "START"}, headers=signed)

    assert answer.status_code == 200 and "<Message>You get no more" in answer.text
    assert (forged.status_code, forged.json()["type"]) == (403, "/problems/callback-unsigned")
    assert world.store.people.has_stopped("+491701234567")


def test_staff_routes_are_for_staff(ann, world):
    for method, path in (
        ("POST", "/notifications/send"),
        ("GET", "/notifications/dead-letters"),
        ("GET", "/notifications/deliveries"),
        ("GET", "/notifications/types/order"),
    ):
        assert ann.request(method, path, json={} if method == "POST" else None).status_code == 403
    assert world.client.get("/notifications").status_code == 401


def test_only_accounts_may_erase_and_nothing_is_left(world, ann):
    choose(ann, {"matrix": {"order": {"push": False}}})
    ann.post("/notifications/devices", json={"platform": "fcm", "token": "a-token-of-a-phone"})
    put(ann, "/notifications/topics/public.news/subscription", None)
    for _ in range(3):
        world.send(ann.id, kind="order", data={"number": "1"})
    body = {"owner_id": ann.id}

    assert ann.post("/notifications/internal/erase", json=body).status_code == 404
    assert handler(invocation("/notifications/internal/erase", body, caller="relay"), None)["statusCode"] == 403
    for _ in range(5):
        answer = handler(invocation("/notifications/internal/erase", body), None)
        if '"done":true' in answer["body"].replace(" ", ""):
            break

    assert '"done":true' in answer["body"].replace(" ", "")
    assert (world.feed(ann.id), world.unread(ann.id), world.deliveries(ann.id)) == ([], 0, {})
    assert world.store.topics.subscribers("public.news", "", 10) == []
