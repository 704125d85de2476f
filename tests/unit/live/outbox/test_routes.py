"""The routes, in memory, with a real store behind them."""

import base64
import json
from datetime import timedelta

import pytest

from functions.live.outbox.app import handler
from functions.live.outbox.drafts import Content
from functions.live.outbox.letters import Letter
from functions.live.outbox.provider import Refused
from functions.live.outbox.rules import Suppression
from tessera import aws, clock, ids
from tessera.sealed import seal
from tests.kit.apps import invocation
from tests.kit.capacity import CapacityMeter
from tests.kit.queues import drain
from tests.kit.races import outcomes, together
from tests.kit.stores import events_in, everything_in, make_bucket

MAIL = {"to": ["ann@example.com"], "subject": "News", "text": "Hello."}
BREAKS = ["\r\n", "\n", "\r", "\x00", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


def send(caller, **changes):
    body = {name: value for name, value in {**MAIL, **changes}.items() if value is not None}
    return caller("POST", "/outbox/emails", json=body)


def slug(answer):
    return answer.json()["type"].removeprefix("/problems/")


def test_a_mail_is_accepted_sent_and_shown(admin, worker, provider):
    answer = send(admin, cc=["bob@example.com"], bcc=["eve@example.com"])
    mail_id = answer.json()["id"]
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert answer.headers["location"] == f"/outbox/emails/{mail_id}"

    worker.work()
    worker.hear(mail_id, "delivery", message_id=provider.ids_of(mail_id)[0])

    shown = admin("GET", f"/outbox/emails/{mail_id}").json()
    assert (shown["state"], shown["attempt"], shown["cc"]) == ("delivered", 1, ["bob@example.com"])
    assert [entry["outcome"] for entry in shown["attempts"]] == ["sent"]
    assert [(news["kind"], news["recipient"]) for news in shown["events"]] == [("delivered", "ann@example.com")]


def test_the_same_request_sends_one_mail(admin, worker, provider):
    key = {"headers": {"idempotency-key": ids.new()}}
    first = admin("POST", "/outbox/emails", json=MAIL, **key)
    again = admin("POST", "/outbox/emails", json=MAIL, **key)
    other = admin("POST", "/outbox/emails", json={**MAIL, "text": "Bye."}, **key)
    worker.work()

    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotent-replay"] == "true"
    assert (other.status_code, slug(other)) == (422, "idempotency-mismatch")
    assert provider.calls == 1


@pytest.mark.parametrize("broken", BREAKS, ids=[repr(one) for one in BREAKS])
def test_header_injection(admin, worker, provider, store, broken):
    evil = f"x{broken}Bcc: eve@example.com"
    file = {"name": "a.txt", "type": "text/plain", "base64": "YQ=="}
    attacks = [
        {"subject": evil},
        {"to": [f"ann@example.com{broken}Bcc: eve@example.com"]},
        {"reply_to": f"ann@example.com{broken}Bcc: eve@example.com"},
        {"from": f"hello@tessera.test{broken}Bcc: eve@example.com"},
        {"headers": {"X-Note": evil}},
        {"headers": {evil: "x"}},
        {"tags": {"a": evil}},
        {"attachments": [{**file, "name": evil}]},
        {"attachments": [{**file, "type": f"text/plain{broken}Bcc: eve@example.com"}]},
    ]

    for attack in attacks:
        assert send(admin, **attack).status_code == 422, attack

    assert drain(store.settings.queue) == []


@pytest.mark.parametrize(
    "name", ["Bcc", "from", "Content-Type", "X-SES-CONFIGURATION-SET", "X-Tessera-Mail", "Resent-To", "DKIM-Signature"]
)
def test_headers_that_are_ours_are_refused(admin, name):
    assert send(admin, headers={name: "x"}).status_code == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": []},
        {"to": ["nobody"]},
        {"to": [f"p{number}@example.com" for number in range(51)]},
        {
            "to": [f"p{number}@example.com" for number in range(30)],
            "cc": [f"q{number}@example.com" for number in range(21)],
        },
        {"subject": None},
        {"text": None},
        {"template": "new-device"},
        {"colour": "red"},
        {"attachments": [{"file_id": "01HZX3J0V7Q8M4N5P6R7S8T9VW"}]},
        {"attachments": [{"name": "a", "type": "text/plain", "base64": "*"}]},
        {"attachments": [{"name": "a", "type": "message/rfc822", "base64": "YQ=="}]},
        {"attachments": [{"name": "../a", "type": "text/plain", "base64": "YQ=="}]},
        {"tags": {"mail_id": "x"}},
        {"send_at": "tomorrow"},
    ],
    ids=lambda wrong: ", ".join(wrong),
)
def test_a_request_that_is_wrong_is_refused(admin, wrong):
    assert send(admin, **wrong).status_code == 422


def test_nothing_is_sent_from_an_address_that_is_not_ours(admin):
    answer = send(admin, **{"from": "ceo@bank.example"})

    assert (answer.status_code, slug(answer)) == (422, "sender-not-verified")


def test_templates_with_missing_values_or_secrets_or_unknown_are_refused(admin):
    def answered(template, data):
        return slug(send(admin, subject=None, text=None, template=template, data=data))

    assert answered("new-device", {"at": "today"}) == "template-variable-missing"
    assert answered("welcome", {}) == "unknown-template"
    assert answered("password-reset", {"link": "https://evil.test"}) == "invalid-request"


def test_a_template_is_sent_in_its_words(admin, worker, provider):
    send(admin, subject=None, text=None, template="new-device", data={"at": "today", "device": "<b>"})

    worker.work()

    assert provider.letters[0].subject == "A new device signed in"
    assert "&lt;b&gt;" in provider.letters[0].html


def test_attachments_arrive_and_too_many_bytes_do_not(admin, worker, provider, bindings):
    small = {"name": "a.txt", "type": "text/plain", "base64": base64.b64encode(b"hello").decode()}
    half = {"name": "b.bin", "type": "application/octet-stream", "base64": base64.b64encode(b"x" * 360_000).decode()}
    assert send(admin, attachments=[small]).status_code == 202
    worker.work()

    assert provider.letters[0].attachments[0].content == b"hello"
    assert send(admin, attachments=[half, half]).status_code == 413


def test_a_large_body_is_kept_in_the_bucket(store, ask, worker, provider):
    from tessera import aws

    bucket = make_bucket("mail")
    store.bodies.bucket = bucket
    mail = ask(text="ä" * 150_000)

    worker.work()
    assert provider.letters[0].text == "ä" * 150_000

    store.listing.forget("ann@example.com", at_most=10)
    assert "Contents" not in aws.client("s3").list_objects_v2(Bucket=bucket)
    assert store.mails.get(mail.id) is None


def test_a_mail_to_nobody_but_suppressed_people_is_refused(admin, store):
    store.suppressions.put("ann@example.com", Suppression(reason="bounce"))

    assert slug(send(admin, to=["Ann@EXAMPLE.com"])) == "all-recipients-suppressed"
    assert send(admin, to=["ann@example.com", "bob@example.com"]).status_code == 202


def test_a_batch_says_what_became_of_each(admin, store):
    store.suppressions.put("ann@example.com", Suppression(reason="bounce"))
    body = {"items": [{**MAIL, "to": ["bob@example.com"]}, MAIL]}
    key = {"headers": {"idempotency-key": ids.new()}}

    first = admin("POST", "/outbox/emails/batch", json=body, **key)
    again = admin("POST", "/outbox/emails/batch", json=body, **key)

    good, bad = first.json()["items"]
    assert (first.status_code, good["state"], bad["problem"]["status"]) == (202, "queued", 409)
    assert again.json()["items"][0]["id"] == good["id"]


def test_a_queued_mail_can_be_cancelled_once_and_a_sent_one_not(admin, worker):
    mail_id, sent_id = send(admin).json()["id"], send(admin).json()["id"]
    assert admin("POST", f"/outbox/emails/{mail_id}/cancel").json()["state"] == "cancelled"
    worker.work()

    assert admin("POST", f"/outbox/emails/{mail_id}/cancel").status_code == 409
    refused = admin("POST", f"/outbox/emails/{sent_id}/cancel")
    assert (refused.status_code, slug(refused)) == (409, "mail-not-cancellable")
    assert admin("POST", f"/outbox/emails/{ids.new()}/cancel").status_code == 404


def test_a_dead_mail_can_be_retried_and_a_sent_one_not(admin, worker, provider):
    mail_id = send(admin).json()["id"]
    provider.errors = [Refused("MessageRejected")]
    worker.work()

    assert admin("POST", f"/outbox/emails/{mail_id}/retry").json()["state"] == "queued"
    worker.work()

    assert admin("GET", f"/outbox/emails/{mail_id}").json()["state"] == "sent"
    assert slug(admin("POST", f"/outbox/emails/{mail_id}/retry")) == "mail-not-retryable"


def test_dead_letter_redrive(admin, worker, provider, store):
    made = [send(admin).json()["id"] for _ in range(3)]
    provider.errors = [Refused("MessageRejected")] * 3
    worker.work()
    listed = admin("GET", "/outbox/dead-letters").json()["items"]
    assert {one["id"] for one in listed} == set(made)
    assert {one["reason"] for one in listed} == {"MessageRejected"}

    results = together(lambda: admin("POST", "/outbox/dead-letters/redrive", json={}).json()["mails"], times=2)

    assert sum(result.value for result in results) == 3
    worker.work()
    assert provider.calls == 6
    assert admin("GET", "/outbox/dead-letters").json()["items"] == []


def test_what_the_queue_gave_up_on_is_brought_back_too(admin, worker, provider, store, ask):
    from tessera import aws

    ask()
    (body,) = drain(store.settings.queue)
    aws.client("sqs").send_message(QueueUrl=store.settings.dead_queue, MessageBody=body)

    answer = admin("POST", "/outbox/dead-letters/redrive", json={}).json()
    worker.work()

    assert (answer["messages"], provider.calls) == (1, 1)


def test_the_source_shows_the_mail_and_no_secret(admin, ask, store, mail_key):
    plain = send(admin).json()["id"]
    sealed = seal(mail_key, "mail", {"code": "987654", "link": "https://tessera.test/#secret"})
    hidden = ask(content=Content(template="verify-sign-up", data={"code": "x", "link": "y"}, sealed=sealed))

    assert "Subject: News\r\n" in admin("GET", f"/outbox/emails/{plain}/source").json()["source"]
    source = admin("GET", f"/outbox/emails/{hidden.id}/source").json()["source"]
    assert "[withheld]" in source and "987654" not in source and "#secret" not in source


def test_lists_page_through_everything_once(admin, store, frozen):
    made = []
    for _ in range(7):
        made.append(send(admin).json()["id"])
        frozen.advance(hours=9)
    seen, path = [], "/outbox/emails?state=queued&limit=3"
    cursor = ""
    while True:
        page = admin("GET", path + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if not cursor:
            break

    assert seen == made[::-1]
    by_address = admin("GET", "/outbox/emails?to=ann@example.com&limit=100").json()["items"]
    assert [item["id"] for item in by_address] == made[::-1]
    assert admin("GET", "/outbox/emails?state=queued&category=bulk").json()["items"] == []
    assert admin("GET", "/outbox/emails").status_code == 422
    assert admin("GET", "/outbox/emails?state=sent&cursor=AAAA").status_code == 400


def test_suppressions_are_made_listed_and_lifted(admin):
    assert admin("POST", "/outbox/suppressions", json={"address": "Ann@Example.com"}).status_code == 201
    (shown,) = admin("GET", "/outbox/suppressions").json()["items"]
    assert (shown["address"], shown["reason"]) == ("Ann@example.com", "manual")

    assert admin("DELETE", "/outbox/suppressions?address=ann@example.com").status_code == 204
    assert admin("DELETE", "/outbox/suppressions?address=ann@example.com").status_code == 404
    assert admin("GET", "/outbox/suppressions").json()["items"] == []


def test_the_sums_of_a_day(admin, worker, provider):
    mail_ids = [send(admin).json()["id"] for _ in range(4)]
    worker.work()
    worker.hear(mail_ids[0], "bounce")

    shown = admin("GET", "/outbox/stats").json()

    assert (shown["sent"], shown["bounced"], shown["bounce_percent"]) == (4, 1, 25.0)
    assert admin("GET", "/outbox/stats?day=2029-01-01").json()["sent"] == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/outbox/emails"),
        ("GET", "/outbox/emails?state=sent"),
        ("GET", "/outbox/emails/01HZX3J0V7Q8M4N5P6R7S8T9VW"),
        ("GET", "/outbox/suppressions"),
        ("POST", "/outbox/dead-letters/redrive"),
        ("GET", "/outbox/stats"),
    ],
)
def test_only_who_runs_the_mail_may(user, client, method, path):
    assert user(method, path).status_code == 403
    assert client.request(method, path).status_code == 401


def test_from_outside_there_is_nothing_to_erase(admin):
    assert admin("POST", "/outbox/internal/erase", json={"owner_id": "x"}).status_code == 404


def test_erasing_an_address_leaves_no_trace_of_it_but_the_hash_of_its_suppression(ask, store, worker):
    from functions.live.outbox.actions import manage

    for _ in range(25):
        ask("ann@example.com")
    kept = ask("bob@example.com")
    worker.work()
    worker.hear(kept.id, "delivery", to=["bob@example.com"])
    store.suppressions.put("ann@example.com", Suppression(reason="bounce"))

    answers = [manage.erase(store, ["ann@example.com"], "owner") for _ in range(2)]

    assert answers == [False, True]
    assert "ann@example.com" not in json.dumps(everything_in(store.table), default=str)
    assert store.suppressions.held(["ann@example.com"], "transactional", clock.now()) == {"ann@example.com"}
    assert store.mails.get(kept.id).state == "delivered"
    assert "privacy.data.erased.v1" in events_in(store.table)


def test_two_redrives_of_one_mail_move_it_once(ask, store, worker, provider):
    from functions.live.outbox.actions import manage

    mail = ask()
    provider.errors = [Refused("MessageRejected")]
    worker.work()

    results = together(lambda: manage.retry(store, mail.id), times=8)

    assert outcomes(results) == {"ok": 1, "mail-not-retryable": 7}


HANDED = {"id": "01HZX3J0V7Q8M4N5P6R7S8T9VW", "to": "ann@example.com", "subject": "News", "text": "Hello."}


def handed_over(body, *, caller="notifications"):
    return handler(invocation("/outbox/internal/emails", body, caller=caller), None)["statusCode"]


def test_a_mail_that_is_handed_over_twice_is_sent_once(client, worker, provider, store):
    assert [handed_over(HANDED), handed_over(HANDED)] == [202, 202]

    worker.work()

    assert len(provider.letters) == 1
    assert store.mails.get(HANDED["id"]).state == "sent"


def test_a_mail_is_handed_over_again_though_its_address_is_suppressed_by_now(client, store):
    assert handed_over(HANDED) == 202
    store.suppressions.put(HANDED["to"], Suppression(reason="manual"))

    assert handed_over(HANDED) == 202
    assert handed_over({**HANDED, "id": ids.new()}) == 409


def test_only_who_writes_mails_hands_over_and_only_to_who_wants_mail(client, store):
    store.suppressions.put("eve@example.com", Suppression(reason="manual"))

    assert handed_over(HANDED, caller="files") == 202
    assert handed_over(HANDED, caller="tasks") == 403
    assert handed_over({**HANDED, "to": "eve@example.com"}) == 409
    assert handed_over({**HANDED, "subject": "a\r\nBcc: x"}) == 422


def test_a_template_is_handed_over_with_its_secret_sealed(client, worker, provider, store, mail_key, admin):
    secret = seal(mail_key, "mail", {"link": "https://tessera.test/files/s/sesame"})
    body = {"id": HANDED["id"], "to": HANDED["to"], "template": "file-shared", "data": {"name": "a.txt"}}

    assert handed_over({**body, "secret": secret}, caller="files") == 202
    worker.work()

    assert provider.letters[0].subject == "A file was shared with you"
    assert "https://tessera.test/files/s/sesame" in provider.letters[0].text
    assert "sesame" not in json.dumps(everything_in(store.table), default=str)
    assert "sesame" not in admin("GET", f"/outbox/emails/{HANDED['id']}/source").json()["source"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"template": "file-shared", "secret": "x"},
        {"template": "file-shared", "data": {"name": "a"}},
        {"template": "welcome"},
        {"template": "new-device", "text": "Hello.", "data": {"at": "today", "device": "x"}},
        {"subject": "News"},
        {},
    ],
    ids=["missing value", "missing secret", "unknown", "both", "no words", "nothing"],
)
def test_a_mail_that_says_nothing_or_two_things_is_not_handed_over(client, wrong):
    assert handed_over({"id": HANDED["id"], "to": HANDED["to"], **wrong}, caller="files") == 422


def test_each_recipient_has_a_state_of_their_own(admin, worker, provider, store):
    people = [f"{name}@example.com" for name in ("ann", "bob", "cid", "dan", "eve")]
    mail_id = send(admin, to=people[:2], cc=people[2:4], bcc=people[4:]).json()["id"]
    store.suppressions.put("eve@example.com", Suppression(reason="manual"))
    queued = admin("GET", f"/outbox/emails/{mail_id}").json()
    worker.work()
    worker.hear(mail_id, "delivery", to=people[:2])
    worker.hear(mail_id, "complaint", to=people[:1])
    worker.hear(mail_id, "delivery", to=people[:1], message_id="another")
    worker.hear(mail_id, "bounce", to=people[2:3])

    def states(shown):
        return {one["address"][:3]: one["state"] for one in shown["recipients"]}

    assert set(states(queued).values()) == {"queued"}
    assert states(admin("GET", f"/outbox/emails/{mail_id}").json()) == {
        "ann": "complained",
        "bob": "delivered",
        "cid": "bounced",
        "dan": "sent",
        "eve": "left-out",
    }


def test_mails_are_found_by_every_one_of_their_recipients(admin):
    mail_id = send(admin, cc=["bob@example.com"], bcc=["eve@example.com"]).json()["id"]

    for person in ("ann", "bob", "eve"):
        found = admin("GET", f"/outbox/emails?to={person}@example.com").json()["items"]
        assert [one["id"] for one in found] == [mail_id]


def test_accepting_a_mail_costs_four_units_and_reading_it_one(admin, bindings, store):
    send(admin)
    with CapacityMeter() as asked:
        mail_id = send(admin).json()["id"]
    with CapacityMeter() as read:
        admin("GET", f"/outbox/emails/{mail_id}")
    accepted, shown = asked.of(store.table.name), read.of(store.table.name)

    # Two units each for the mail and for what it says; one more for each of the mail's three indexes.
    assert accepted.operations == ["BatchGetItem", "TransactWriteItems"]
    assert accepted.write_units == 4 + 3
    assert (shown.operations, shown.read_units) == (["Query"], 1)


def test_a_page_of_a_list_costs_the_same_however_many_there_are(admin, store):
    def cost():
        with CapacityMeter() as meter:
            admin("GET", "/outbox/emails?to=ann@example.com&limit=5")
        return meter.of(store.table.name).operations

    for _ in range(6):
        send(admin)
    few = cost()
    for _ in range(30):
        send(admin)

    assert cost() == few == ["Query", "BatchGetItem"]


def test_a_refused_request_leaves_the_long_mail_of_its_key_as_it_was(admin, bindings):
    bindings.environment["BUCKET"] = make_bucket("uploads")
    key = {"idempotency-key": ids.new()}
    words = {"to": ["ann@example.com"], "subject": "News", "text": "A" * 199_000, "html": "<p>" + "f" * 90_000}

    first = admin("POST", "/outbox/emails", json=words, headers=key)
    other = admin("POST", "/outbox/emails", json={**words, "text": "B" * 199_000}, headers=key)

    assert (first.status_code, slug(other)) == (202, "idempotency-mismatch")
    source = admin("GET", f"/outbox/emails/{first.json()['id']}/source").json()["source"]
    assert "AAAA" in source and "BBBB" not in source


def test_a_long_mail_whose_words_are_gone_says_so_and_is_not_tried_in_vain(admin, worker, store):
    store.bodies.bucket = bucket = make_bucket("uploads")
    words = {"to": ["ann@example.com"], "subject": "News", "text": "A" * 199_000, "html": "<p>" + "f" * 90_000}
    mail_id = admin("POST", "/outbox/emails", json=words).json()["id"]
    (kept,) = aws.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    aws.client("s3").delete_object(Bucket=bucket, Key=kept["Key"])

    worker.work()

    assert admin("GET", f"/outbox/emails/{mail_id}/source").status_code == 410
    assert (store.mails.get(mail_id).state, store.mails.get(mail_id).reason) == ("dead", "content-gone")


@pytest.mark.parametrize("has_time", [True, False])
def test_a_replay_is_answered_though_its_address_is_suppressed_by_now(admin, store, has_time):
    key = ids.new() if has_time else "a key without a time"
    asked = {"json": MAIL, "headers": {"idempotency-key": key}}
    first = admin("POST", "/outbox/emails", **asked)
    store.suppressions.put("ann@example.com", Suppression(reason="manual"))

    again = admin("POST", "/outbox/emails", **asked)
    other = admin("POST", "/outbox/emails", json=MAIL, headers={"idempotency-key": ids.new()})

    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["idempotent-replay"] == "true"
    assert (other.status_code, slug(other)) == (409, "all-recipients-suppressed")


def test_spellings_of_one_mailbox_get_one_mail(admin, store, worker, provider):
    answer = send(admin, to=["bob@example.com", "Ann@example.com"], cc=["ann@EXAMPLE.com"], bcc=["BOB@example.com"])
    worker.work()
    store.suppressions.put("ann@example.com", Suppression(reason="manual"))
    refused = send(admin, to=["Ann@example.com", "ann@example.com"])

    assert answer.status_code == 202
    assert [(one.to, one.cc, one.bcc) for one in provider.letters] == [(["bob@example.com", "Ann@example.com"], [], [])]
    assert slug(refused) == "all-recipients-suppressed"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"send_at": "9999-12-31T23:59:59Z"}, "/send_at"),
        ({"headers": {"Orig-Date": "x", "orig-date": "y"}}, "/headers"),
    ],
)
def test_what_could_not_be_sent_later_is_refused_now(admin, changes, pointer):
    answer = send(admin, **changes)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_mail_may_wait_thirty_days_and_is_listed_all_the_while(admin, frozen, worker, provider):
    month = clock.now() + timedelta(days=30)
    mail_id = send(admin, send_at=clock.rfc3339(month)).json()["id"]
    late = send(admin, send_at=clock.rfc3339(month + timedelta(seconds=1)))
    provider.errors = [Refused("MessageRejected")]

    worker.later(days=30, seconds=1)

    assert late.status_code == 422
    place, seen = "", []
    while place is not None:
        page = admin("GET", f"/outbox/dead-letters{place}").json()
        seen += [one["id"] for one in page["items"]]
        place = f"?cursor={page['next']}" if page["next"] else None
    assert seen == [mail_id]


def test_a_mail_nobody_can_write_is_a_dead_letter_at_once(ask, worker, store, provider, monkeypatch):
    mail = ask()
    monkeypatch.setattr(Letter, "mime", lambda self: bytes.fromhex("no hex"))

    worker.work()

    assert (store.mails.get(mail.id).state, store.mails.get(mail.id).reason) == ("dead", "cannot-be-written")
    assert provider.calls == 0
