"""The whole capability on moto, with a stand-in for `accounts` behind the internal calls."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from functions.identity.organisations.app import app
from functions.identity.organisations.ports import Ports
from functions.identity.organisations.store.rows import OrganisationRow
from functions.identity.organisations.triggers import ENTRIES
from tessera import clock, ids
from tessera.auth.call import Call
from tessera.auth.internal import Internal
from tessera.auth.principal import Principal
from tessera.auth.roles import held_by
from tessera.outbox import Envelope
from tessera.problems import Unavailable
from tessera.resolver import DNS
from tessera.settings import Bindings
from tessera.transact import transact
from tessera.triggers import dispatch
from tests.kit.apps import Caller, Served, serving
from tests.kit.clocks import FakeClock
from tests.kit.queues import batch
from tests.kit.stores import due_in, envelopes_in, ready_in
from tests.kit.worlds import DONE, carried


@dataclass
class Accounts:
    """What `accounts` answers to our internal calls, and what it was asked for."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    mails: list[dict[str, Any]] = field(default_factory=list)
    erasures: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    is_down: bool = False

    def __call__(self, function: str, event: dict[str, Any], timeout_seconds: float) -> dict[str, Any]:
        path = event["rawPath"].removeprefix("/accounts/internal")
        self.asked.append(f"{event['requestContext']['http']['method']} {path}")
        if self.is_down:
            return {"statusCode": 503, "body": "{}"}
        body = json.loads(event["body"] or "{}")
        if path == "/mail":
            self.mails.append(body)
            return {"statusCode": 202, "body": "{}"}
        if path == "/erasures":
            self.erasures.append(body["owner_id"])
            return {"statusCode": 202, "body": "{}"}
        if path == "/users/search":
            wanted = parse_qs(event["rawQueryString"])["email"][0].lower()
            found = [user for user in self.users.values() if user["email"].lower() == wanted]
            return {"statusCode": 200, "body": json.dumps({"items": found, "after": None})}
        user = self.users.get(path.split("/")[2])
        if user is None:
            return {"statusCode": 404, "body": json.dumps({"type": "/problems/not-found"})}
        state = {"status": user["status"], "epoch": 1, "roles": ["user"], "permissions": [], "plan": "user"}
        shown = {**state, "mfa": user["factors"]} if path.endswith("/state") else user
        return {"statusCode": 200, "body": json.dumps(shown)}

    @property
    def token(self) -> str:
        """What stands behind the `=` of the newest mail's link."""
        link: str = self.mails[-1]["secret"]["link"]
        return link.partition("#invitation=")[2]


@dataclass
class Somebody(Caller):
    """A person with an account, and what they may do as a principal."""

    email: str = ""

    @property
    def principal(self) -> Principal:
        return Principal(
            kind="user",
            id=self.id,
            user_id=self.id,
            roles=frozenset(["user"]),
            aal=1,
            credential="bearer",
            permissions=held_by("user"),
            plan="user",
        )


@dataclass
class Zone:
    """A DNS that holds what a test publishes."""

    records: set[tuple[str, str]] = field(default_factory=set)
    is_away: bool = False

    def stands(self, name: str, value: str) -> bool:
        if self.is_away:
            raise Unavailable("The DNS is away.")
        return (name, value) in self.records

    def publish(self, domain: dict[str, Any]) -> None:
        """The record that this domain shows."""
        self.records.add((domain["record"]["name"], domain["record"]["value"]))


@dataclass
class World:
    served: Served
    accounts: Accounts
    time: FakeClock
    zone: Zone
    sent: list[dict[str, Any]] = field(default_factory=list)

    @property
    def bindings(self) -> Bindings:
        return self.served.bindings

    @property
    def ports(self) -> Ports:
        return self.bindings.get(Ports)

    @property
    def call(self) -> Call:
        return Call("POST", "/organisations", (), "", "203.0.113.7", True, None, self.bindings, ids.new())

    def somebody(self, email: str = "", *, factors: tuple[str, ...] = (), status: str = "active") -> Somebody:
        user_id = ids.new()
        email = email or f"{user_id.lower()}@example.com"
        self.accounts.users[user_id] = {
            "id": user_id,
            "email": email,
            "locale": None,
            "status": status,
            "factors": list(factors),
        }
        return Somebody(self.served.client, self.token(user_id), user_id, email)

    def token(self, user_id: str, **claims: Any) -> str:
        expires = int(clock.now().timestamp()) + 40 * 86_400
        return self.served.signer.token(sub=user_id, sid=f"family-{user_id}", exp=expires, **claims)

    def acting(self, who: Somebody, organisation_id: str, role: str, **claims: Any) -> Somebody:
        """The same person with a token that acts for an organisation."""
        epoch = self.ports.organisations.find(organisation_id)
        claims = {"org_ep": epoch.epoch if epoch else 1, **claims}
        return Somebody(who.client, self.token(who.id, org=organisation_id, org_role=role, **claims), who.id, who.email)

    def organisation(self, owner: Somebody, slug: str = "", name: str = "Atelier") -> str:
        made = owner.post("/organisations", json={"name": name, "slug": slug or f"org-{ids.new().lower()}"})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def invited(self, by: Somebody, organisation_id: str, email: str, role: str = "member") -> str:
        """The token of the mail that this invitation sends."""
        made = by.post(f"/organisations/{organisation_id}/invitations", json={"email": email, "role": role})
        assert made.status_code == 201, made.text
        self.deliver()
        return self.accounts.token

    def member(self, organisation_id: str, role: str = "member") -> Somebody:
        """Somebody new who is in, as if they had accepted an invitation a while ago."""
        new = self.somebody()
        transact(
            self.ports.members.adding(organisation_id, new.id, role, None),
            self.ports.organisations.counting(
                organisation_id, OrganisationRow.members.add(1), OrganisationRow.owners.add(int(role == "owner"))
            ),
            *self.ports.roles.counting(organisation_id, taken=role),
        )
        return new

    def deliver(self, *, again: bool = False) -> int:
        """Bring every event that is for our own queue, as the bus does; how many there were.

        With `again`, those that came before come once more.
        """
        known = {body["detail"]["id"] for body in self.sent}
        new = [
            carried(envelope)
            for envelope in self.envelopes()
            if envelope.type == "organisations.invitation.sent.v1" and envelope.id not in known
        ]
        bodies = [*(self.sent if again else []), *new]
        self.sent += new
        for body in bodies:
            self.give(body)
        return len(bodies)

    def give(self, body: dict[str, Any]) -> None:
        assert dispatch(ENTRIES, batch(json.dumps(body)), self.bindings) == DONE

    def due(self) -> list[dict[str, str]]:
        """What waits for its time, as the sweeper sees it."""
        return [message["data"] for message in due_in(self.served.table)]

    def sweep(self) -> int:
        """Bring what has become due, as the sweeper does; how many items there were."""
        due = ready_in(self.served.table)
        for message in due:
            self.give(message)
        return len(due)

    def envelopes(self) -> list[Envelope]:
        """Every event that an item carries now, in the order they were made."""
        return envelopes_in(self.served.table)

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Their types and data."""
        return [(one.type, one.data) for one in self.envelopes()]


@pytest.fixture
def world(frozen: FakeClock, cloud: None) -> Iterator[World]:
    with serving(app, "Organisations", SEATS="20", PUBLIC_BASE_URL="https://app.test") as served:
        accounts, zone = Accounts(), Zone()
        bindings: Bindings = app.state.bindings
        bindings.replace(Internal, Internal("organisations", bindings, accounts))
        bindings.replace(DNS, DNS(zone))
        served.client.event_hooks["request"].append(lambda request: frozen.advance(milliseconds=1))
        yield World(served, accounts, frozen, zone)


@pytest.fixture
def owner(world: World) -> Somebody:
    return world.somebody("owner@example.com")


@pytest.fixture
def atelier(world: World, owner: Somebody) -> str:
    """The id of an organisation that `owner` has made."""
    return world.organisation(owner, "atelier")


@pytest.fixture
def path(atelier: str) -> str:
    return f"/organisations/{atelier}"


@pytest.fixture
def slug_of() -> Callable[[httpx.Response], str]:
    """The slug of a problem."""
    return lambda answer: str(answer.json()["type"]).removeprefix("/problems/")
