"""The stand-ins as the front door serves them: below `/stand-ins/<name>/`, on this machine only.

Whoever wants to see what was asked, or have something go wrong, uses `/stand-ins/<name>/control/…`; see `wire`.
"""

import time
from collections.abc import Callable

from aiohttp import web

from localstack.stand_ins.akismet import Akismet
from localstack.stand_ins.apns import APNs
from localstack.stand_ins.apple import Apple
from localstack.stand_ins.facebook import Facebook
from localstack.stand_ins.fcm import FCM
from localstack.stand_ins.github import GitHub
from localstack.stand_ins.idp import IdentityProvider, RegisteredClient
from localstack.stand_ins.safebrowsing import SafeBrowsing
from localstack.stand_ins.twilio import Twilio
from localstack.stand_ins.webpush import WebPush
from localstack.stand_ins.website import Website
from localstack.stand_ins.wire import Answer, Asked, StandIn

PREFIX = "/stand-ins"
# As the capability `oauth` has them built in. They open nothing but what is served here.
CLIENT_ID, CLIENT_SECRET = "tessera-local", "a-secret-of-no-worth"
TEAM_ID, KEY_ID = "LOCALTEAM1", "LOCALKEY01"
# As the capability `notifications` has them built in.
TWILIO_SID, TWILIO_TOKEN = "ACtesseralocal", "a-token-of-no-worth"
FCM_PROJECT, FCM_ACCOUNT = "tessera-local", "notify@tessera-local.example"
PUSH_TOPIC = "example.tessera"
# As the capability `shortener` has it built in.
THREATS_KEY = "a-key-of-no-worth"
# As the capability `blog` has it built in.
AKISMET_KEY = "a-key-of-no-worth"


def build(base: str, *, now: Callable[[], float] = time.time) -> dict[str, StandIn]:
    """Every stand-in by its name; `base` is the front door's own address."""

    def back(provider: str) -> frozenset[str]:
        return frozenset([f"{base}/oauth/{provider}/callback"])

    idp = RegisteredClient(CLIENT_ID, CLIENT_SECRET, redirect_uris=back("local-idp"))
    made: dict[str, StandIn] = {
        "idp": IdentityProvider(idp, now=now),
        "github": GitHub(CLIENT_ID, CLIENT_SECRET, back("github-stub")),
        "facebook": Facebook(CLIENT_ID, CLIENT_SECRET, back("facebook-stub")),
        "apple": Apple(CLIENT_ID, TEAM_ID, KEY_ID, None, back("apple-stub"), now=now),
        "twilio": Twilio(TWILIO_SID, TWILIO_TOKEN),
        "safebrowsing": SafeBrowsing(THREATS_KEY),
        "akismet": Akismet(AKISMET_KEY),
        "fcm": FCM(FCM_PROJECT, FCM_ACCOUNT),
        "apns": APNs(TEAM_ID, KEY_ID, PUSH_TOPIC, now=now),
        "webpush": WebPush(now=now),
        "website": Website(),
    }
    for name, stand_in in made.items():
        stand_in.base = f"{base}{PREFIX}/{name}"
    return made


async def answer(request: web.Request, stand_ins: dict[str, StandIn]) -> web.Response:
    name, _, rest = request.path.removeprefix(f"{PREFIX}/").partition("/")
    stand_in = stand_ins.get(name)
    if stand_in is None:
        return web.json_response({"error": "not_found"}, status=404)
    headers = {field.lower(): value for field, value in request.headers.items()}
    asked = Asked(request.method, f"/{rest}", dict(request.query), headers, await request.read())
    return _sent(stand_in.answer(asked))


def _sent(found: Answer) -> web.Response:
    return web.Response(status=found.status, body=found.body, headers=dict(found.headers))
