"""`admin` before a real `accounts`, each on tables of its own and reached only by its own door."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from functions.identity.accounts.app import handler as accounts_handler
from functions.identity.admin.app import handler as admin_handler
from functions.identity.admin.ports import Ports
from functions.identity.admin.triggers import ENTRIES
from tessera import clock, ids
from tessera.auth.internal import NoAnswer
from tessera.outbox import Envelope
from tessera.settings import Bindings
from tessera.tables import Table
from tessera.triggers import dispatch
from tests.kit.queues import drain
from tests.kit.stores import everything_in
from tests.kit.web import AppClient

Json = dict[str, Any]
NOBODY = "01BX5ZZKBKACTAV9WEVGEMMVRZ"


def event(method: str, path: str, body: Any = None, *, caller: str) -> Json:
    """The event by which another function of ours calls an internal route."""
    route, _, query = path.partition("?")
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": route,
        "rawQueryString": query,
        "headers": {"host": "internal", "content-type": "application/json"},
        "requestContext": {
            "http": {"method": method, "path": route, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""},
            "tessera": {"internal": True, "caller": caller},
        },
        "body": "" if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def apart(handler: Callable[[Json, Any], Any], sent: Json) -> Any:
    """What a handler answers in a thread with an event loop of its own, as in a process of its own."""

    def run() -> Any:
        asyncio.set_event_loop(asyncio.new_event_loop())
        return handler(sent, None)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


@dataclass
class Somebody:
    """Somebody signed in; every request shows the token they have now."""

    world: "World"
    id: str
    email: str
    token: str = ""

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}", **given.pop("headers", {})}
        answer: httpx.Response = self.world.http.request(method, path, headers=headers, **given)
        return answer

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, json: Any = None, **given: Any) -> httpx.Response:
        return self.request("POST", path, json=json, **given)

    def put(self, path: str, json: Any = None, **given: Any) -> httpx.Response:
        return self.request("PUT", path, json=json, **given)

    def delete(self, path: str, **given: Any) -> httpx.Response:
        return self.request("DELETE", path, **given)


@dataclass
class World:
    admin: Bindings
    accounts: Bindings
    tables: dict[str, Table]
    http: AppClient
    queue: str
    bucket: str
    # Services that do not answer.
    away: set[str] = field(default_factory=set)
    # Of these the next is done, and nobody hears of it.
    unheard: list[str] = field(default_factory=list)
    called: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def ports(self) -> Ports:
        return self.admin.get(Ports)

    def carry(self, function: str, sent: Json, timeout_seconds: float) -> Json:
        """Calls of `admin` to the others."""
        callee = function.rpartition("-")[2]
        path = sent["rawPath"]
        self.called.append((callee, sent["requestContext"]["http"]["method"], path))
        if callee in self.away:
            return {"statusCode": 503, "body": json.dumps({"type": "/problems/unavailable"})}
        if callee == "accounts":
            found: Json = apart(accounts_handler, sent)
            if path in self.unheard:
                self.unheard.remove(path)
                raise NoAnswer("it was done, and nobody heard")
            return found
        return {"statusCode": 200, "body": json.dumps({"items": self.kept_elsewhere(callee)})}

    def kept_elsewhere(self, callee: str) -> list[Json]:
        seen = "2030-03-14T08:00:00.000Z"
        kept: dict[str, list[Json]] = {
            "sessions": [{"id": "s-1", "device": "Firefox", "created_at": seen, "last_seen_at": seen}],
            "oauth": [{"provider": "google", "linked_at": seen}],
            "apikeys": [{"id": "k-1", "name": "backup", "status": "active", "created_at": seen, "last_used_at": None}],
        }
        return kept[callee]

    def ask_accounts(self, method: str, path: str, body: Any = None, *, caller: str = "admin") -> Any:
        answer = apart(accounts_handler, event(method, path, body, caller=caller))
        assert answer["statusCode"] < 300, answer
        return json.loads(answer["body"] or "null")

    def ask_admin(self, method: str, path: str, body: Any = None, *, caller: str) -> tuple[int, Any]:
        answer = apart(admin_handler, event(method, path, body, caller=caller))
        return answer["statusCode"], json.loads(answer["body"] or "null")

    def user(self, *roles: str, email: str = "") -> Json:
        """An account with these roles."""
        email = email or f"p{ids.new().lower()}@example.com"
        made: Json = self.ask_accounts("POST", "/accounts/internal/users", {"email": email, "roles": list(roles)})
        return made

    def state_of(self, user_id: str) -> Json:
        found: Json = self.ask_accounts("GET", f"/accounts/internal/users/{user_id}")
        return found

    def sign_in(self, user: Json, *, aal: int = 2, ago: int = 0) -> Somebody:
        """A token as `sessions` gets it for somebody who has shown who they are `ago` seconds ago."""
        proof = {
            "user_id": user["id"],
            "session_id": ids.new(),
            "amr": ["pwd"] if aal == 1 else ["pwd", "otp"],
            "aal": aal,
            "auth_time": int(clock.now().timestamp()) - ago,
        }
        minted = self.ask_accounts("POST", "/accounts/internal/mint", proof, caller="sessions")
        return Somebody(self, user["id"], user["email"], minted["access_token"])

    def somebody(self, *roles: str, aal: int = 2, ago: int = 0, email: str = "") -> Somebody:
        return self.sign_in(self.user(*roles, email=email), aal=aal, ago=ago)

    def events(self, kind: str, table: str = "Admin") -> list[Envelope]:
        """What waits on the items of a table to be sent, oldest first."""
        found = {}
        for item in everything_in(self.tables[table]):
            if "event" in item:
                envelope = Envelope.parse(item["event"]["S"])
                found[envelope.id] = envelope
        return [envelope for _, envelope in sorted(found.items()) if envelope.type == kind]

    def entries(self, action: str = "", table: str = "Admin") -> list[Json]:
        """The entries that wait to be recorded."""
        told = [envelope.data for envelope in self.events("audit.entry.recorded.v1", table)]
        return [entry for entry in told if action in ("", entry["action"])]

    def deliver(self, *envelopes: Envelope, source: str = "tessera.accounts") -> list[str]:
        """Give events to `admin` as one batch of its queue; the ids of those that failed come back."""
        records = [
            {
                "messageId": f"m-{number}",
                "eventSource": "aws:sqs",
                "body": json.dumps(
                    {"source": source, "detail-type": envelope.type, "detail": json.loads(envelope.text())}
                ),
            }
            for number, envelope in enumerate(envelopes)
        ]
        answer = dispatch(ENTRIES, {"Records": records}, self.admin)
        return [one["itemIdentifier"] for one in answer["batchItemFailures"]]

    def work(self) -> int:
        """Do what lies in the queue, until nothing does."""
        done = 0
        while bodies := drain(self.queue):
            for body in bodies:
                record = {"messageId": ids.new(), "eventSource": "aws:sqs", "body": body}
                assert dispatch(ENTRIES, {"Records": [record]}, self.admin) == {"batchItemFailures": []}, body
                done += 1
        return done

    def mails(self, template: str) -> list[Json]:
        asked = [envelope.data for envelope in self.events("accounts.mail.requested.v1", "Accounts")]
        return [mail for mail in asked if mail["template"] == template]
