"""Who may reach what of whom: every operation that names something, and how to make one of each for it to name.

`MAKERS` says, for the path of each kind of thing, how a tenant gets one; `REASONS` says why there is none to make. An
operation with a parameter in its path that stands in neither fails `tests/contract/test_tenancy.py`, unless only staff
may ask it. `tests/e2e/test_tenant_crossing.py` lets every tenant ask for everything of every other one.
"""

import json
import re
import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlencode

import httpx

from localstack.seed.pictures import png
from localstack.seed.software_passkey import SoftwarePasskey
from tessera import ids
from tessera.auth.roles import held_by
from tests.kit import uploads
from tests.kit.cookies import Browser
from tests.kit.people import People, Person, eventually, patiently
from tests.kit.plans import unmetered

Json = dict[str, Any]
# Whose a thing is: whoever the token acts for; the person alone, whatever it acts for; whoever is a member.
Belongs = Literal["owner", "person", "membership"]
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass
class Tenant:
    """Somebody who has things: a person, or an organisation that they act for.

    `mark` stands in the texts of everything they make, so that it can be looked for where it must not be.
    """

    name: str
    person: Person
    owner_id: str
    people: People | None = field(default=None, repr=False)
    mark: str = field(default_factory=lambda: f"mark{secrets.token_hex(8)}")
    # What was made, by the path of its kind: the values of the path's parameters.
    made: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    @property
    def acts_for_organisation(self) -> bool:
        return self.owner_id != self.person.id

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """The answer; a limit that is met is waited for and an old token replaced, as any client would."""
        for last in (False, True):
            answer = patiently(lambda: self.person.request(method, path, **given))
            if answer.status_code != 401 or last:
                break
            self.sign_in()
        return answer

    def sign_in(self) -> None:
        """A session of its own, that acts for whom this tenant is."""
        tokens = self.person.sign_in().raise_for_status().json()
        if self.acts_for_organisation:
            asked = {"refresh_token": tokens["refresh_token"], "organisation_id": self.owner_id}
            tokens = {**tokens, **self.person.http.post("/accounts/token/switch", json=asked).raise_for_status().json()}
        self.person = replace(self.person, tokens=tokens)

    def create(self, path: str, body: Json | None = None, method: str = "POST", **given: Any) -> Json:
        answer = self.ask(method, path, json=body, **given)
        assert answer.is_success, f"{self.name}: {method} {path} answered {answer.status_code}: {answer.text}"
        found: Json = answer.json() if answer.content else {}
        return found

    def make(self, kind: str) -> dict[str, str]:
        """Another thing of this kind."""
        made = MAKERS[kind].make(self)
        self.made.setdefault(kind, []).append(made)
        return made

    def reaches(self, other: "Tenant", kind: str) -> bool:
        """Whether what the other has of this kind is this one's too, because the same person stands behind both."""
        return self is other or (MAKERS[kind].belongs != "owner" and self.person.id == other.person.id)


@dataclass(frozen=True)
class Maker:
    """`make` makes one thing and returns the values of its path's parameters; `bodies` are by operation, where an
    empty one or the least that the schema asks for will not do."""

    make: Callable[[Tenant], dict[str, str]]
    belongs: Belongs = "owner"


def _task(tenant: Tenant) -> dict[str, str]:
    return {"task_id": tenant.create("/tasks", {"title": f"Buy {tenant.mark}", "tags": [tenant.mark]})["id"]}


def _list(tenant: Tenant) -> dict[str, str]:
    return {"list_id": tenant.create("/tasks/lists", {"name": f"List {tenant.mark}"})["id"]}


def _view(tenant: Tenant) -> dict[str, str]:
    return {"view_id": tenant.create("/tasks/views", {"name": f"View {tenant.mark}", "filter": {}})["id"]}


def _clearing(tenant: Tenant) -> dict[str, str]:
    full = _list(tenant)["list_id"]
    tenant.create("/tasks", {"title": f"Sell {tenant.mark}", "list_id": full})
    return {"job_id": tenant.create(f"/tasks/lists/{full}?tasks=delete", method="DELETE")["id"]}


def _known_device(tenant: Tenant) -> dict[str, str]:
    assert tenant.person.sign_in(device_name=f"Tablet {tenant.mark}").status_code == 200
    return {"device_id": tenant.person.get("/accounts/me/devices").json()["items"][0]["id"]}


def _same_as(kind: str) -> Callable[[Tenant], dict[str, str]]:
    """What has two addresses need not be made twice, and what is dear to make is limited."""
    return lambda tenant: tenant.made[kind][0]


def _session(tenant: Tenant) -> dict[str, str]:
    answer = tenant.person.sign_in(device_name=f"Phone {tenant.mark}")
    assert answer.status_code == 200, answer.text
    return {"session_id": answer.json()["session_id"]}


def _passkey(tenant: Tenant) -> dict[str, str]:
    """Of somebody of its own, because whoever has one signs in with it from then on."""
    assert tenant.people is not None
    person = tenant.people.new()
    other, passkey = Tenant(tenant.name, person, person.id), SoftwarePasskey(str(person.http.base_url).rstrip("/"))
    asked = other.create("/accounts/me/passkeys/options")
    made = {"challenge_id": asked["challenge_id"], "credential": passkey.create(asked["publicKey"])}
    return {"passkey_id": other.create("/accounts/me/passkeys", {**made, "name": f"Key {tenant.mark}"})["id"]}


def _export(tenant: Tenant) -> dict[str, str]:
    return {"job_id": tenant.create("/accounts/me/export")["id"]}


def _cookie_session(tenant: Tenant) -> dict[str, str]:
    browser = Browser(httpx.Client(base_url=tenant.person.http.base_url, timeout=30), str(tenant.person.http.base_url))
    given = {"email": tenant.person.email, "password": tenant.person.password, "device_name": f"Desk {tenant.mark}"}
    answer = browser.post("/sessions/login", json=given)
    assert answer.status_code == 200, answer.text
    return {"session_id": answer.json()["session_id"]}


def _key(tenant: Tenant) -> dict[str, str]:
    made = tenant.create("/apikeys", {"name": f"Key {tenant.mark}", "scopes": ["tasks:read"]})
    return {"key_id": made["id"]}


def _lease(tenant: Tenant) -> dict[str, str]:
    made = tenant.create("/apikeys", {"name": f"Counter {tenant.mark}", "scopes": ["ratelimit:check"]})
    headers = {"authorization": f"Bearer {made['key']}"}
    body = {"namespace": "doors", "key": tenant.mark, "limit": 5, "ttl_s": 600}
    answer = tenant.person.http.post("/ratelimit/leases", json=body, headers=headers)
    assert answer.is_success, answer.text
    return {"lease_id": answer.json()["id"]}


def _organisation(tenant: Tenant) -> dict[str, str]:
    if tenant.acts_for_organisation:
        return {"organisation_id": tenant.owner_id}
    name = {"name": f"Guild {tenant.mark}", "slug": f"g{secrets.token_hex(8)}"}
    return {"organisation_id": tenant.create("/organisations", name)["id"]}


def _member(tenant: Tenant) -> dict[str, str]:
    return {**_own_organisation(tenant), "user_id": tenant.person.id}


def _invitation(tenant: Tenant) -> dict[str, str]:
    own = _own_organisation(tenant)
    body = {"email": f"{tenant.mark}-{secrets.token_hex(4)}@example.com"}
    made = tenant.create(f"/organisations/{own['organisation_id']}/invitations", body)
    return {**own, "invitation_id": made["id"]}


def _domain(tenant: Tenant) -> dict[str, str]:
    own, name = _own_organisation(tenant), f"{tenant.mark}-{secrets.token_hex(4)}.test"
    tenant.create(f"/organisations/{own['organisation_id']}/domains/{name}", {}, method="PUT")
    return {**own, "domain": name}


def _role(tenant: Tenant) -> dict[str, str]:
    own, name = _own_organisation(tenant), f"r{secrets.token_hex(4)}"
    body = {"permissions": ["tasks:read"]}
    tenant.create(f"/organisations/{own['organisation_id']}/roles/{name}", body, method="PUT")
    return {**own, "name": name}


def _own_organisation(tenant: Tenant) -> dict[str, str]:
    """The first one that there is: people make only ten."""
    return (tenant.made.get(ORGANISATION) or [tenant.make(ORGANISATION)])[0]


def _file(tenant: Tenant) -> dict[str, str]:
    return {"file_id": tenant.create("/files", {"name": f"{tenant.mark}.txt", "size": 5})["id"]}


def _folder(tenant: Tenant) -> dict[str, str]:
    name = f"Folder {tenant.mark} {secrets.token_hex(4)}"
    return {"folder_id": tenant.create("/files/folders", {"name": name})["id"]}


def _share(tenant: Tenant) -> dict[str, str]:
    return {"share_id": tenant.create(f"/files/{_file(tenant)['file_id']}/shares", {})["id"]}


def _grant(tenant: Tenant) -> dict[str, str]:
    file, somebody = _file(tenant), ids.new()
    tenant.create(f"/files/{file['file_id']}/grants/{somebody}", {"role": "viewer"}, method="PUT")
    return {**file, "user": somebody}


def _emptying(tenant: Tenant) -> dict[str, str]:
    full = _folder(tenant)["folder_id"]
    tenant.create("/files", {"name": f"{tenant.mark}.txt", "size": 5, "folder_id": full})
    return {"job_id": tenant.create(f"/files/folders/{full}?with_content=true", method="DELETE")["id"]}


def _topic(tenant: Tenant) -> dict[str, str]:
    return {"topic": f"user:{tenant.person.id}"}


def _reminder(tenant: Tenant) -> dict[str, str]:
    schedule = {"cron": "0 9 * * *", "tz": "Europe/Berlin"}
    body = {"title": f"Reminder {tenant.mark}", "schedule": schedule, "action": {"notify": {}}}
    return {"reminder_id": tenant.create("/reminders", body)["id"]}


def _calendar_event(tenant: Tenant) -> dict[str, str]:
    when = {"starts_at": "2126-01-01T09:00:00Z", "ends_at": "2126-01-01T10:00:00Z", "tz": "UTC"}
    return {"event_id": tenant.create("/reminders/events", {"title": f"Event {tenant.mark}", **when})["id"]}


def _webhook_secret(tenant: Tenant) -> dict[str, str]:
    return {"secret_id": tenant.create("/reminders/secrets", {"name": f"Secret {tenant.mark}"})["id"]}


def _room(tenant: Tenant) -> dict[str, str]:
    return {"room_id": tenant.create("/chat/rooms", {"name": f"Room {tenant.mark}", "kind": "private"})["id"]}


def _seat(tenant: Tenant) -> dict[str, str]:
    room, somebody = _room(tenant), ids.new()
    tenant.create(f"/chat/rooms/{room['room_id']}/members", {"user_ids": [somebody]})
    return {**room, "user_id": somebody}


def _message(tenant: Tenant) -> dict[str, str]:
    room = _room(tenant)
    body = {"text": f"Said {tenant.mark}", "client_msg_id": ids.new()}
    return {**room, "message_id": tenant.create(f"/chat/rooms/{room['room_id']}/messages", body)["id"]}


def _room_export(tenant: Tenant) -> dict[str, str]:
    room = _room(tenant)
    return {**room, "job_id": tenant.create(f"/chat/rooms/{room['room_id']}/export")["id"]}


def _reaction(tenant: Tenant) -> dict[str, str]:
    return {**_message(tenant), "emoji": "tada"}


def _device(tenant: Tenant) -> dict[str, str]:
    token = f"a-token-of-{tenant.mark}"
    made = tenant.create("/notifications/devices", {"platform": "fcm", "token": token})
    return {"device_id": made["id"]}


def _presence(tenant: Tenant) -> dict[str, str]:
    doc = f"{tenant.mark}-{secrets.token_hex(4)}"
    tenant.create(f"/presence/rooms/{doc}", {}, method="PUT")
    joined = tenant.create(f"/presence/rooms/{doc}/sessions", {"meta": {"name": tenant.mark}})
    return {"doc": doc, "session_id": joined["session_id"]}


def _picture(tenant: Tenant) -> dict[str, str]:
    """A file whose bytes have come and were found clean."""
    body = png(3, 2)
    made = tenant.create("/files", {"name": f"{tenant.mark}.png", "type": "image/png", "size": len(body)})
    uploads.send(made, body)
    eventually(lambda: tenant.ask("GET", f"/files/{made['id']}").json()["state"] == "clean" or None, within=60)
    return {"file_id": made["id"]}


def _picture_job(tenant: Tenant) -> dict[str, str]:
    return {"job_id": tenant.create("/media/jobs", _picture(tenant))["id"]}


def _draft(tenant: Tenant) -> dict[str, str]:
    body = {"title": f"Draft {tenant.mark}", "body": tenant.mark, "tags": [tenant.mark]}
    return {"post_id": tenant.create("/blog/posts", body)["id"]}


def _draft_by_slug(tenant: Tenant) -> dict[str, str]:
    made = tenant.create("/blog/posts", {"title": f"Slug {tenant.mark}", "body": tenant.mark})
    return {"slug": made["slug"]}


def _revision(tenant: Tenant) -> dict[str, str]:
    return {**_draft(tenant), "number": "1"}


def _blog_export(tenant: Tenant) -> dict[str, str]:
    return {"job_id": tenant.create("/blog/export")["id"]}


def _blog_import(tenant: Tenant) -> dict[str, str]:
    made = tenant.create("/blog/import/uploads")
    post = {"title": tenant.mark, "html": f"<p>{tenant.mark}</p>", "status": "draft"}
    file = json.dumps({"db": [{"data": {"posts": [post]}}]})
    httpx.post(made["url"], data=made["fields"], files={"file": file.encode()}).raise_for_status()
    tenant.create("/blog/import", {"upload_id": made["upload_id"]})
    return {"upload_id": made["upload_id"]}


def _short_link(tenant: Tenant) -> dict[str, str]:
    made = tenant.create("/shortener/links", {"url": f"https://example.com/{tenant.mark}", "title": tenant.mark})
    return {"link_id": made["id"]}


def _short_domain(tenant: Tenant) -> dict[str, str]:
    return {"host": tenant.create("/shortener/domains", {"host": f"{tenant.mark}.example.com"})["host"]}


ORGANISATION = "/organisations/{organisation_id}"
MAKERS: dict[str, Maker] = {
    "/tasks/{task_id}": Maker(_task),
    "/tasks/lists/{list_id}": Maker(_list),
    "/tasks/views/{view_id}": Maker(_view),
    "/tasks/jobs/{job_id}": Maker(_clearing),
    "/accounts/me/sessions/{session_id}": Maker(_session, "person"),
    "/accounts/me/passkeys/{passkey_id}": Maker(_passkey, "person"),
    "/accounts/me/devices/{device_id}": Maker(_known_device, "person"),
    "/accounts/me/exports/{job_id}": Maker(_export, "person"),
    "/accounts/jobs/{job_id}": Maker(_same_as("/accounts/me/exports/{job_id}"), "person"),
    "/sessions/{session_id}": Maker(_cookie_session, "person"),
    "/apikeys/{key_id}": Maker(_key),
    "/ratelimit/leases/{lease_id}": Maker(_lease),
    "/files/{file_id}": Maker(_file),
    "/files/folders/{folder_id}": Maker(_folder),
    "/files/shares/{share_id}": Maker(_share),
    "/files/{file_id}/grants/{user}": Maker(_grant),
    "/files/jobs/{job_id}": Maker(_emptying),
    "/realtime/topics/{topic}": Maker(_topic, "person"),
    "/reminders/{reminder_id}": Maker(_reminder),
    "/reminders/events/{event_id}": Maker(_calendar_event),
    "/reminders/secrets/{secret_id}": Maker(_webhook_secret),
    "/chat/rooms/{room_id}": Maker(_room, "membership"),
    "/chat/rooms/{room_id}/members/{user_id}": Maker(_seat, "membership"),
    "/chat/rooms/{room_id}/messages/{message_id}": Maker(_message, "membership"),
    "/chat/rooms/{room_id}/messages/{message_id}/reactions/{emoji}": Maker(_reaction, "membership"),
    "/chat/rooms/{room_id}/exports/{job_id}": Maker(_room_export, "membership"),
    "/chat/jobs/{job_id}": Maker(_same_as("/chat/rooms/{room_id}/exports/{job_id}"), "person"),
    "/notifications/devices/{device_id}": Maker(_device, "person"),
    "/presence/rooms/{doc}/sessions/{session_id}": Maker(_presence),
    "/media/jobs/{job_id}": Maker(_picture_job),
    "/media/files/{file_id}": Maker(_picture),
    "/blog/posts/{post_id}": Maker(_draft),
    "/blog/posts/{post_id}/revisions/{number}": Maker(_revision),
    "/blog/by-slug/{slug}": Maker(_draft_by_slug),
    "/blog/jobs/{job_id}": Maker(_blog_export),
    "/blog/exports/{job_id}": Maker(_same_as("/blog/jobs/{job_id}")),
    "/blog/imports/{upload_id}": Maker(_blog_import),
    "/shortener/links/{link_id}": Maker(_short_link),
    "/shortener/domains/{host}": Maker(_short_domain),
    ORGANISATION: Maker(_organisation, "membership"),
    f"{ORGANISATION}/members/{{user_id}}": Maker(_member, "membership"),
    f"{ORGANISATION}/invitations/{{invitation_id}}": Maker(_invitation, "membership"),
    f"{ORGANISATION}/domains/{{domain}}": Maker(_domain, "membership"),
    f"{ORGANISATION}/roles/{{name}}": Maker(_role, "membership"),
}

REASONS: dict[str, str] = {
    "/accounts/users/{user_id}": "a profile that everybody may see; what it shows is held by the tests of accounts",
    "/tasks/todo-backend/{ns}": "a namespace of the facade is open to whoever knows its name, as its protocol asks",
    "/tasks/todo-backend/{ns}/todos/{todo_id}": "as its namespace",
    "/ratelimit/buckets/{namespace}/{key}": "a name within the caller's own subjects: nobody can name another's",
    "/oauth/identities/{identity_id}": "made only by signing in at a provider; the tests of oauth hold whose it is",
    "/oauth/{provider}": "a provider of the product's, the same for everybody",
    "/files/s/{token}": "open to whoever has the link, which is what it is for",
    "/files/s3/multipart/{upload_id}": "named by its key in the query besides; the tests of files hold whose it is",
    "/files/s3/multipart/{upload_id}/{part}": "as its upload",
    "/chat/rooms/{room_id}/messages/{message_id}/attachments/{file_id}": "as its message, below which it is",
    "/chat/blocks/{user_id}": "names somebody else; what is kept is the caller's own",
    "/notifications/{notification_id}": "made only by telling somebody; the tests of notifications hold whose it is",
    "/notifications/batches/{batch_id}": "made only by staff",
    "/notifications/topics/{topic}": "a topic that anybody may follow, the same for everybody",
    "/notifications/types/{type}": "a type of the product's, the same for everybody",
    "/notifications/types/{type}/templates/{channel}/{locale}": "as its type",
    "/notifications/dead-letters/{delivery_id}": "for staff alone",
    "/presence/rooms/{doc}": "a name that belongs to who takes it first; the tests of presence hold whose it is",
    "/media/presets/{name}": "a preset of the product's, the same for everybody",
    "/media/backfills/{job_id}": "for staff alone",
    "/blog/authors/{name}": "an author and what they have published, for everybody to read",
    "/blog/comments/{comment_id}": "below what is published, for everybody to read",
    "/blog/posts/{post_id}/media/{file_id}": "pictures of what is published, for everybody to see",
    "/blog/posts/{post_id}/reactions/{kind}": "what is published takes reactions from everybody, each their own",
    "/blog/tags/{tag}": "a word that anybody may use, the same for everybody",
    "/s/{code}": "open to whoever has the link, which is what it is for",
    "/openapi/{capability}": "the document of a capability, the same for everybody",
    "/docs/{capability}": "a page about a capability, the same for everybody",
    "/problems/{slug}": "a page about a problem, the same for everybody",
}

# A search that says 501 until it is there.
NOT_ENABLED = frozenset(["/chat/search"])
# What else must be said for a search to be one.
SEARCHED_WITH = {"/chat/rooms": {"public": "1"}}

# Answers that tell the caller about themselves alone, and change by themselves; Uppy makes an upload by a GET.
SELF_CHANGING = frozenset(
    ["/ratelimit/me", "/metrics", "/health/status", "/health/ready", "/ready", "/files/s3/params"]
)

# What each tenant has a second one of, and what people choose for themselves, so that their lists have a next page.
TWICE = (
    "/tasks/lists/{list_id}",
    "/tasks/{task_id}",
    "/apikeys/{key_id}",
    "/files/folders/{folder_id}",
    "/reminders/events/{event_id}",
)
CHOSEN = (
    "/chat/blocks/{}",
    "/chat/blocks/{}",
    "/notifications/topics/public.one/subscription",
    "/notifications/topics/public.two/subscription",
)
# What else must be said for a list to be one.
LISTED_WITH = {"/reminders/events": {"from": "2125-12-31T00:00:00Z", "to": "2126-01-02T00:00:00Z"}}
# Lists of which nobody here may have a next page, and why.
ONE_PAGE: dict[str, str] = {
    "/blog/posts": "what is published, for everybody to read; nobody here publishes",
    "/chat/search": "says 501 until it is there",
    "/files/opened": "what others have opened to somebody, which nobody here does",
    "/reminders/dead-letters": "made only by what fails for days",
    "/search": "nothing is found by the letter that is looked for",
    "/tasks/export.csv": "a file that goes on after thousands of tasks; the tests of tasks hold that",
}

# What anybody publishes is in these, and other tests publish meanwhile.
OF_EVERYBODY = frozenset(["/blog/posts"])

# Bodies that others' protocols leave open; what is not named in them is dropped.
OPEN_BODIES = frozenset(
    [
        "POST /tasks/todo-backend",
        "POST /tasks/todo-backend/{ns}",
        "PATCH /tasks/todo-backend/{ns}/todos/{todo_id}",
        "PUT /tasks/todo-backend/{ns}/todos/{todo_id}",
    ]
)
# Read by a parser of their own, which takes forms too and stops at the first fault.
FORMS = frozenset(["POST /accounts/token/refresh", "POST /accounts/token/revoke"])
# What nobody may say of themselves or of what they make, wherever it is not what the body is about.
OF_OURS = ("owner_id", "roles", "permissions", "is_admin", "epoch", "made_by", "gs1_pk", "due_pk", "ttl")


@dataclass(frozen=True)
class Operation:
    """One operation of the document, as far as who may ask it for what matters."""

    method: str
    path: str
    described: Json = field(repr=False, hash=False)
    root: Json = field(repr=False, hash=False)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def access(self) -> str:
        return str(self.described["x-access"])

    @property
    def kind(self) -> str:
        """The path of what it names: up to its last parameter, whatever stands behind it in the same segment."""
        found = re.match(r"(.*\{[^/{}]+\})", self.path)
        return found[1] if found else ""

    @property
    def is_for_staff(self) -> bool:
        """Whether it asks for a permission that a user does not hold."""
        wanted = self.described.get("x-scopes", ())
        return not self.access.startswith("optional") and any(one not in held_by("user") for one in wanted)

    @property
    def is_for_users(self) -> bool:
        """Whether a signed-in user gets past its guard by bearer token."""
        bearer = any("bearer" in one for one in self.described["security"])
        return bearer and not self.is_for_staff and "kinds api_key" not in self.access

    def url(self, values: dict[str, str]) -> str:
        """The path of these, with the least of what must be said in the query."""
        path = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], self.path)
        wanted = {
            name: self._least(one["schema"]) for name, one in self.parameters("query").items() if one.get("required")
        }
        return f"{path}?{urlencode(wanted)}" if wanted else path

    def parameters(self, place: str) -> dict[str, Json]:
        shared = self.root["components"].get("parameters", {})
        found = [shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in self._parameters()]
        return {one["name"]: one for one in found if one["in"] == place}

    def _parameters(self) -> list[Json]:
        found: list[Json] = self.described.get("parameters", [])
        return found

    def examples(self) -> dict[str, str]:
        """A value for each parameter of the path, of nothing that there is."""
        return {name: str(self._least(one["schema"])) for name, one in self.parameters("path").items()}

    def body_schema(self) -> Json | None:
        content = self.described.get("requestBody", {}).get("content", {})
        return self.resolved(content["application/json"]["schema"]) if "application/json" in content else None

    def resolved(self, schema: Json) -> Json:
        """Without references, and of several forms the first that is an object."""
        while "$ref" in schema:
            schema = self.root["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        for form in schema.get("anyOf", ()):
            found = self.resolved(form)
            if found.get("type") == "object":
                return found
        return schema

    def body(self) -> Any:
        """The least that its schema takes; None when it takes no body."""
        if self.name in BODIES:
            return BODIES[self.name]
        schema = self.body_schema()
        return None if schema is None else self._least(schema)

    def _least(self, schema: Json) -> Any:
        schema = self.resolved(schema)
        if "default" in schema:
            return schema["default"]
        if "enum" in schema or "const" in schema:
            return schema.get("const", (schema.get("enum") or [None])[0])
        kind = schema.get("type")
        if kind == "object":
            wanted = schema.get("required", ())
            return {name: self._least(inner) for name, inner in schema.get("properties", {}).items() if name in wanted}
        if kind == "array":
            return [self._least(schema["items"]) for _ in range(schema.get("minItems", 0))]
        if kind in ("integer", "number"):
            return schema.get("minimum", 1)
        if kind == "boolean":
            return False
        if schema.get("pattern") == ids.PATTERN:
            return ids.new()
        least = max(1, int(schema.get("minLength", 1)))
        texts = [*("x" * length for length in range(least, least + 5)), ids.new(), str(uuid.uuid4())]
        texts += [f"{ids.new()}-email", "x.example.com"]
        return next((text for text in texts if re.search(schema.get("pattern", ""), text)), texts[0])


# Where a schema's own least body would be refused for itself.
BODIES: dict[str, Any] = {
    "PATCH /chat/rooms/{room_id}/members/{user_id}": {"role": "member"},
    "POST /chat/rooms/{room_id}/messages": {"text": "Hello", "client_msg_id": "01HZX3J0V7Q8M4N5P6R7S8T9VW"},
    "POST /reminders/{reminder_id}/snooze": {"for": "PT10M"},
    "PATCH /organisations/{organisation_id}/members/{user_id}": {"role": "viewer"},
    "PUT /organisations/{organisation_id}/roles/{name}": {"permissions": []},
    "POST /organisations/{organisation_id}/invitations": {"email": "somebody@example.com"},
}


def operations(document: Json) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield Operation(method.upper(), path, methods[method], document)


def has_no_maker(operation: Operation) -> bool:
    """Whether nobody has said how to make what it names, or why not."""
    kind = operation.kind
    return bool(kind) and kind not in MAKERS and kind not in REASONS and not operation.is_for_staff


def tenants(people: People) -> dict[str, Tenant]:
    """Two persons, and an organisation of each that they act for."""
    found = {}
    for name in ("ann", "bob"):
        person = people.new(name=name.title())
        unmetered(people, person)
        found[name] = Tenant(name, person, person.id, people)
        found[name].sign_in()
        slug = f"t{secrets.token_hex(8)}"
        owned = found[name].create("/organisations", {"name": f"Guild of {name}", "slug": slug})["id"]
        guild = found[f"{name}s guild"] = Tenant(f"{name}'s guild", person, owned, people)
        guild.sign_in()
    return found
