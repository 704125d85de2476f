"""The wire formats of providers, down to the socket."""

import json
import os
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from functions.live.notifications.actions import choices
from functions.live.notifications.actions.choices import DeviceInvalid, Offered
from functions.live.notifications.ports import Ports
from functions.live.notifications.providers import apns, twilio, webpush
from functions.live.notifications.providers.apns import APNs
from functions.live.notifications.providers.email import Letter, Mail
from functions.live.notifications.providers.http2.client import HTTP2, trust
from functions.live.notifications.providers.outcomes import Failed, Gone, Message, Refused, Target, Unsure
from functions.live.notifications.providers.sns import SNS
from functions.live.notifications.providers.webhook import Place, Webhook, body_of, place_of
from functions.live.notifications.providers.wire import Wire
from functions.live.notifications.rules.kinds import Words
from localstack.stand_ins import signing
from tessera import aws
from tessera.auth import jws
from tessera.auth.internal import Answer, Internal, NoAnswer
from tessera.safehttp import SafeHTTP
from tessera.safehttp.gate import Gate
from tests.kit.http2_server import HTTP2Server, hangs_up, says
from tests.kit.stand_ins import Fault

AT = datetime(2030, 3, 14, tzinfo=UTC)


def message(**given):
    words = given.pop("words", Words("Title", "Body <b>", "https://x.test/a"))
    return Message(**{"id": "01HZX3J0V7Q8M4N5P6R7S8T9VW", "type": "order", "words": words, "created_at": AT, **given})


def to(address, kind="x", **keys):
    return Target("t", kind, address, keys)


def browser(world):
    found = world.door.stand_ins["webpush"].subscribe()
    return found, to(found["endpoint"], "web", **found["keys"])


def test_twilio_gets_a_form_and_basic_credentials(world):
    sid = world.ports.sms.send(message(words=Words(body="Grüße & mehr")), to("+491701234567"))

    asked = world.door.journal[-1]
    assert asked.path == "/stand-ins/twilio/2010-04-01/Accounts/ACtesseralocal/Messages.json"
    assert dict(parse_qsl(asked.body.decode())) == {
        "To": "+491701234567",
        "From": "+15005550006",
        "Body": "Grüße & mehr",
        "StatusCallback": f"{world.settings.base}/notifications/sms/status?id=01HZX3J0V7Q8M4N5P6R7S8T9VW",
    }
    assert asked.headers["authorization"].startswith("Basic ") and sid.startswith("SM")


@pytest.mark.parametrize(
    ("number", "error"),
    [("+15005550004", Gone), ("+15005550001", Refused), ("+15005550009", Refused)],
    ids=["opted out", "no number", "no mobile"],
)
def test_what_twilio_refuses_is_told_apart(world, number, error):
    with pytest.raises(error):
        world.ports.sms.send(message(), to(number))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.status(503), Failed),
        (Fault.status(429, **{"retry-after": "120"}), Failed),
        (Fault.status(401), Failed),
        (Fault.hang_up(), Unsure),
        (Fault.cut_short(), Unsure),
    ],
    ids=["down", "too fast", "unauthorized", "hung up", "cut short"],
)
def test_whether_an_sms_was_taken_is_known_or_not(world, fault, error):
    world.door.next(fault)

    with pytest.raises(error) as raised:
        world.ports.sms.send(message(), to("+491701234567"))

    if fault.answer.status == 429:
        assert raised.value.after_seconds == 120


def test_a_host_that_no_connection_can_be_made_to_was_sent_nothing(world):
    wire = Wire(SafeHTTP(Gate(opened=frozenset(["127.0.0.1:9"]))))

    with pytest.raises(Failed, match="not-reached"):
        wire.post("http://127.0.0.1:9/", b"", {}, purpose="test")


def test_twilio_signatures_are_checked(world):
    stand_in = world.door.stand_ins["twilio"]
    form = {"From": "+491701234567", "Body": "STOP"}
    signature = stand_in.signature("https://x.test/in?id=1", form)

    assert twilio.is_signed(stand_in.auth_token, "https://x.test/in?id=1", form, signature)
    assert not twilio.is_signed(stand_in.auth_token, "https://x.test/in?id=2", form, signature)
    assert not twilio.is_signed(stand_in.auth_token, "https://x.test/in?id=1", {**form, "Body": "START"}, signature)
    assert not twilio.is_signed("another", "https://x.test/in?id=1", form, signature)


def test_fcm_gets_a_message_with_a_token_of_the_service_account(world):
    name = world.ports.fcm.send(message(is_urgent=True, collapse="abc", count=3), to("device-token"))

    (sent,) = world.door.stand_ins["fcm"].inbox
    assert sent == {
        "token": "device-token",
        "notification": {"title": "Title", "body": "Body <b>"},
        "data": {"id": "01HZX3J0V7Q8M4N5P6R7S8T9VW", "type": "order", "link": "https://x.test/a", "count": "3"},
        "android": {"priority": "HIGH", "ttl": "86400s", "collapse_key": "abc", "notification": {"tag": "abc"}},
    }
    assert name.startswith("projects/tessera-local/messages/")


def test_fcm_asks_for_a_token_once_an_hour(world):
    for _ in range(3):
        world.ports.fcm.send(message(), to("device-token"))
    world.clock.advance(hours=1)
    world.ports.fcm.send(message(), to("device-token"))

    assert [asked.path for asked in world.door.journal].count("/stand-ins/fcm/token") == 2


def test_fcm_tokens_that_are_no_longer_good_are_asked_for_anew(world):
    world.ports.fcm.send(message(), to("device-token"))
    world.door.stand_ins["fcm"].revoke()

    with pytest.raises(Failed):
        world.ports.fcm.send(message(), to("device-token"))
    world.ports.fcm.send(message(), to("device-token"))


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ({"error": "UNREGISTERED"}, Gone),
        ({"error": "SENDER_ID_MISMATCH"}, Gone),
        ({"error": "INVALID_ARGUMENT"}, Refused),
        ({"error": "UNAVAILABLE"}, Failed),
        ({"send": "html"}, Refused),
        ({"send": "500"}, Failed),
    ],
    ids=str,
)
def test_what_fcm_refuses_is_told_apart(world, faults, error):
    world.door.stand_ins["fcm"].faults = faults

    with pytest.raises(error) as raised:
        world.ports.fcm.send(message(), to("device-token"))

    assert type(raised.value) is error


def test_apns_gets_its_headers_and_a_token_of_ours(world):
    key = serialization.load_pem_private_key(world.ports.credentials.of("apns")["private_key"].encode(), None)
    world.door.stand_ins["apns"].public = key.public_key()

    apns_id = world.ports.apns.send(message(collapse="abc"), to("0123abcd"))

    (sent,) = world.door.stand_ins["apns"].inbox
    headers = {
        name: sent["headers"].get(name)
        for name in ("apns-topic", "apns-push-type", "apns-priority", "apns-collapse-id")
    }
    assert headers == {
        "apns-topic": "example.tessera",
        "apns-push-type": "alert",
        "apns-priority": "5",
        "apns-collapse-id": "abc",
    }
    assert sent["body"]["aps"]["alert"] == {"title": "Title", "body": "Body <b>"}
    assert apns_id.lower() == sent["headers"]["apns-id"] == str(uuid.UUID(apns_id))


@pytest.mark.parametrize(
    ("device", "reason", "error"),
    [
        ("gone-1", "", Gone),
        ("a", "TooManyRequests", Failed),
        ("a", "BadTopic", Refused),
        ("a", "ExpiredProviderToken", Failed),
    ],
)
def test_what_apns_refuses_is_told_apart(world, device, reason, error):
    world.door.stand_ins["apns"].faults = {"push": reason}

    with pytest.raises(error):
        world.ports.apns.send(message(), to(device))


def test_apns_knows_a_message_at_a_device_by_one_id():
    ids = {
        apns.id_of(message(id=told), Target(device, "apns", "token"))
        for told in ("m1", "m2")
        for device in ("d1", "d2")
    }

    assert len(ids) == 4
    assert apns.id_of(message(id="m1"), Target("d1", "apns", "a newer token")) in ids


class Apple:
    """Apple itself, by HTTP/2, with the credentials that a person would have written; what hosts were asked for."""

    def __init__(self, world, server):
        self.world, self.server, self.hosts = world, server, []
        self.written = {name: value for name, value in world.ports.credentials.of("apns").items() if name != "url"}
        self.port = APNs(world.ports.wire, self, apple=self.reach)

    def of(self, provider):
        return self.written

    def reach(self, host, gate):
        self.hosts.append(host)
        server = self.server
        return HTTP2(server.origin, server.gate, resolve=server.resolve, trust=lambda: trust(server.certificate))

    def takes_part(self):
        """From now on it is who the world's pushes go to."""
        self.world.bindings.replace(Ports, replace(self.world.ports, apns=self.port))


@pytest.fixture
def apple(world, tmp_path):
    with HTTP2Server(tmp_path) as server:
        yield Apple(world, server)


def test_without_a_url_apple_itself_is_sent_to_by_http_2(apple):
    apple.server.next(says(200, apns_id="0F-00"))

    apns_id = apple.port.send(message(collapse="abc", is_urgent=True, ttl_seconds=60), to("0123abcd"))

    (asked,) = apple.server.journal
    given = message()
    now = int(apple.world.clock.now().timestamp())
    assert apns_id == "0F-00"
    kind, _, token = asked.headers.pop("authorization").partition(" ")
    assert (kind, signing.read(token)[1]) == ("bearer", {"iss": "LOCALTEAM1", "iat": now})
    assert asked.headers == {
        ":method": "POST",
        ":scheme": "https",
        ":authority": f"push.example:{apple.server.port}",
        ":path": "/3/device/0123abcd",
        "apns-id": apns.id_of(given, to("0123abcd")),
        "apns-topic": "example.tessera",
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(now + 60),
        "apns-collapse-id": "abc",
        "content-type": "application/json",
    }
    assert json.loads(asked.body)["aps"]["alert"] == {"title": "Title", "body": "Body <b>"}


@pytest.mark.parametrize(
    ("status", "reason", "error"),
    [
        (410, "Unregistered", Gone),
        (400, "BadDeviceToken", Gone),
        (400, "BadTopic", Refused),
        (403, "ExpiredProviderToken", Failed),
        (429, "TooManyRequests", Failed),
        (503, "Shutdown", Failed),
    ],
)
def test_what_apple_answers_by_http_2_is_told_apart(apple, status, reason, error):
    apple.server.next(says(status, json.dumps({"reason": reason}).encode(), retry_after="7"))

    with pytest.raises(error, match=reason) as raised:
        apple.port.send(message(), to("0123abcd"))

    assert type(raised.value) is error
    if status in (429, 503):
        assert raised.value.after_seconds == 7


def test_a_message_nobody_knows_of_is_the_same_notification_when_it_is_sent_again(apple):
    apple.server.next(hangs_up)

    with pytest.raises(Unsure):
        apple.port.send(message(), to("0123abcd"))
    apple.port.send(message(), to("0123abcd"))

    first, second = apple.server.journal
    assert first.headers["apns-id"] == second.headers["apns-id"]


def test_each_host_has_one_client_for_all_that_is_sent(apple):
    for sandbox in (None, True, False, True, "yes"):
        apple.written["sandbox"] = sandbox
        apple.port.send(message(), to("0123abcd"))

    assert apple.hosts == ["api.push.apple.com", "api.sandbox.push.apple.com"]
    assert set(apple.server.connections) == {1, 2}


def test_a_device_of_apples_is_registered_and_reached_once_there_are_credentials(apple):
    apple.takes_part()
    world, user = apple.world, apple.world.person(matrix={"*": {"push": True}})
    ports = world.bindings.get(Ports)

    choices.register(ports, user, Offered("apns", token="0123456789abcdef"))
    world.send(user)

    assert world.states(user)["push"] == "sent"
    assert [asked.headers[":path"] for asked in apple.server.journal] == ["/3/device/0123456789abcdef"]


def test_a_device_that_apple_no_longer_knows_is_forgotten(apple):
    apple.takes_part()
    world, user = apple.world, apple.world.person(matrix={"*": {"push": True}})
    choices.register(world.bindings.get(Ports), user, Offered("apns", token="0123456789abcdef"))
    apple.server.next(says(410, b'{"reason": "Unregistered"}'))

    world.send(user)

    assert world.store.devices.of(user) == []


@pytest.mark.parametrize("name", ["team_id", "key_id", "private_key", "topic"])
def test_without_all_of_its_credentials_there_is_no_push_to_apple(apple, name):
    apple.takes_part()
    assert apple.port.is_there
    apple.written[name] = ""

    with pytest.raises(DeviceInvalid):
        choices.register(apple.world.bindings.get(Ports), "ann", Offered("apns", token="0123456789abcdef"))
    with pytest.raises(Refused, match="push-not-configured"):
        apple.port.send(message(), to("0123abcd"))
    assert apple.server.journal == []


@pytest.mark.parametrize("key", ["no key", "rsa"])
def test_a_key_that_cannot_sign_for_apple_is_told(apple, key):
    apple.written["private_key"] = apple.world.ports.credentials.of("fcm")["private_key"] if key == "rsa" else key

    with pytest.raises(Refused, match="apns-key"):
        apple.port.send(message(), to("0123abcd"))
    assert apple.server.journal == []


def test_web_push_decrypts(world):
    _, target = browser(world)

    world.ports.webpush.send(message(is_urgent=True, collapse="abc", ttl_seconds=60), target)

    (got,) = world.door.stand_ins["webpush"].inbox
    assert json.loads(got["text"])["title"] == "Title"
    assert (got["ttl"], got["urgency"], got["topic"]) == ("60", "high", "abc")


def test_web_push_agrees_with_the_example_of_rfc_8291():
    """Appendix A: the same keys and salt give the same bytes."""
    private = int.from_bytes(jws.decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    ours = ec.derive_private_key(private, ec.SECP256R1())
    theirs = jws.decode("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")
    salt = jws.decode("DGv6ra1nlYgDCS1FRnbzlw")

    made = webpush.encrypted(
        b"When I grow up, I want to be a watermelon",
        theirs,
        jws.decode("BTBZMqHH6r4Tts7J_aSIgg"),
        random=lambda size: salt,
        ours=ours,
    )

    assert jws.encode(made) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3"
        "jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_a_push_that_is_too_long_is_cut(world):
    _, target = browser(world)

    world.ports.webpush.send(message(words=Words("t", "ж" * 2_000)), target)

    assert len(world.door.journal[-1].body) <= 4_096


@pytest.mark.parametrize(
    ("fault", "error"), [("410", Gone), ("404", Gone), ("429", Failed), ("413", Refused), ("503", Failed)]
)
def test_what_a_push_service_refuses_is_told_apart(world, fault, error):
    _, target = browser(world)
    world.door.stand_ins["webpush"].faults = {"push": fault}

    with pytest.raises(error):
        world.ports.webpush.send(message(), target)


def test_the_key_for_browsers_stays_the_same(world):
    first = world.ports.webpush.public_key

    assert first == world.ports.webpush.public_key and len(jws.decode(first)) == 65


@pytest.mark.parametrize(
    ("address", "kind", "url"),
    [
        ("https://hook.example/x", "json", "https://hook.example/x"),
        ("slack://T000/B000/abcdefghijk", "slack", "https://hooks.slack.com/services/T000/B000/abcdefghijk"),
        (
            f"discord://1234567890/{'x' * 30}",
            "discord",
            f"https://discord.com/api/webhooks/1234567890/{'x' * 30}?wait=true",
        ),
        ("ntfy://ntfy.sh/topic", "ntfy", "https://ntfy.sh"),
    ],
)
def test_an_address_names_its_format(address, kind, url):
    assert (place_of(address).kind, place_of(address).url) == (kind, url)


@pytest.mark.parametrize(
    "address", ["http://x.example", "slack://x", "discord://a/b", "ntfy://a b/c", "file:///etc", ""]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError):
        place_of(address)


def test_each_format_is_its_own_and_calls_nobody():
    words = Words("a <!channel>", "@everyone", "https://x.test")

    assert body_of(message(words=words), Place("slack", ""))["text"].startswith("*a &lt;!channel&gt;*")
    assert body_of(message(words=words), Place("discord", ""))["allowed_mentions"] == {"parse": []}
    assert body_of(message(words=words, is_urgent=True), Place("ntfy", "", "t"))["priority"] == 4
    assert body_of(message(words=words), Place("json", ""))["timestamp"] == "2030-03-14T00:00:00.000Z"


def test_a_webhook_is_signed_for_its_owner_alone(world):
    import base64
    import hmac

    webhook: Webhook = world.ports.webhook
    with pytest.raises(Refused):
        webhook.send(message(), Target("t", "json", f"{world.door.url}/stand-ins/twilio/nowhere", {"owner": "ann"}))

    asked = world.door.journal[-1]
    key = base64.b64decode(webhook.secret_of("ann").removeprefix("whsec_"))
    signed = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
    expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert asked.headers["webhook-signature"] == f"v1,{expected}"
    assert webhook.secret_of("bo") != webhook.secret_of("ann")


def test_a_webhook_never_reaches_our_own_network(world):
    with pytest.raises(Refused, match="address-refused"):
        world.ports.webhook.send(message(), to("https://169.254.169.254/latest", ""))


def test_sns_takes_a_number(cloud):
    assert SNS().send(message(words=Words(body="Hello")), to("+491701234567"))


def test_sns_errors_are_told_apart(cloud):
    from tests.kit.faults import failing

    for code, error in (("OptedOutException", Gone), ("InvalidParameter", Refused), ("Throttling", Failed)):
        with failing("sns", "Publish", code=code), pytest.raises(error):
            SNS().send(message(), to("+491701234567"))


class Called:
    """`accounts` and `outbox` as the internal client sees them."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, function, event, timeout_seconds):
        self.asked.append((function, event["rawPath"], event["body"] and json.loads(event["body"])))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"statusCode": answer.status, "headers": {}, "body": answer.body.decode()}


def letter(**given):
    return Letter(
        "01HZX3J0V7Q8M4N5P6R7S8T9VW", "ann@example.com", "s", "t", "<p>", {"List-Unsubscribe": "<u>"}, False, **given
    )


def test_a_mail_is_handed_over_under_its_own_id(bindings):
    called = Called(Answer(202, b'{"id": "x"}'))
    Mail(Internal("notifications", bindings, called)).send(letter())

    ((function, path, body),) = called.asked
    assert (function, path) == ("tessera-outbox", "/outbox/internal/emails")
    assert (body["id"], body["category"], body["headers"]) == (
        letter().id,
        "transactional",
        {"List-Unsubscribe": "<u>"},
    )


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([Answer(409)], Refused),
        ([Answer(422)], Refused),
        ([Answer(503)], Failed),
        ([Answer(500)], Failed),
        ([NoAnswer("x"), NoAnswer("x")], Failed),
    ],
)
def test_what_outbox_refuses_is_told_apart(bindings, answers, error):
    with pytest.raises(error):
        Mail(Internal("notifications", bindings, Called(*answers))).send(letter())


def test_who_is_not_there_has_no_address(bindings):
    found = Answer(200, json.dumps({"email": "a@b.example", "locale": None, "status": "active"}).encode())
    mail = Mail(Internal("notifications", bindings, Called(Answer(404), found, Answer(500))))

    assert mail.find("x") is None
    assert mail.find("x").email == "a@b.example"
    with pytest.raises(Failed):
        mail.find("x")


def test_credentials_come_from_one_secret(world):
    name = f"providers-{os.urandom(4).hex()}"
    value = {"twilio": {"account_sid": "AC1", "auth_token": "t", "from": "+1"}}
    aws.client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(value))
    credentials = type(world.ports.credentials)(name, "", world.ports.mac)

    assert credentials.of("twilio") == value["twilio"]
    assert credentials.of("fcm") is None
    with pytest.raises(Refused):
        type(world.ports.fcm)(world.ports.wire, credentials).send(message(), to("x"))


def test_the_stand_ins_know_what_is_built_in(world):
    from functions.live.notifications.providers import credentials
    from localstack.stand_ins import served

    assert (
        credentials.DEMO_TWILIO["account_sid"],
        credentials.DEMO_TWILIO["auth_token"],
    ) == (served.TWILIO_SID, served.TWILIO_TOKEN)
    assert (served.FCM_PROJECT, served.FCM_ACCOUNT) == (credentials.DEMO_PROJECT, credentials.DEMO_ACCOUNT)
    assert signing.b64(b"x") == "eA"
