import hashlib
from typing import Annotated, Any

from fastapi import Query, Response

from tessera.auth.principal import Principal
from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import FieldError, Gone, InvalidRequest, NotFound, PayloadTooLarge, Problem
from tessera.types import Cursor, Limit, Page, Params

from ..actions import ask as asking
from ..actions import manage
from ..actions.deliver import announce_all
from ..addresses import digest, once_each
from ..drafts import Content, Draft
from ..files import MAX_BYTES, FileNotReady
from ..letters import Attachment
from ..ports import Ports
from ..receipts import STATES
from ..rules import (
    AllSuppressed,
    Category,
    Mail,
    NotCancellable,
    NotRetryable,
    SenderNotVerified,
    State,
    on_unknown_of,
    recipient_state,
)
from ..schemas import (
    MAX_INLINE_BYTES,
    AcceptedOut,
    Address,
    BatchIn,
    BatchItemOut,
    BatchOut,
    EntryOut,
    MailIn,
    MailOut,
    MailSummaryOut,
    NewsOut,
    ProblemOut,
    RecipientOut,
    SourceOut,
)
from ..store import MailStore, News, Place
from ..templates import MissingVariable, UnknownTemplate, template_of
from .given import Bound, Keys, Manager, Sender, Store, only_own

router = Router(prefix="/outbox/emails", tags=["outbox"])

ASKING = (
    InvalidRequest,
    IdempotencyMismatch,
    Gone,
    PayloadTooLarge,
    AllSuppressed,
    SenderNotVerified,
    UnknownTemplate,
    MissingVariable,
    FileNotReady,
)


class MailParams(Params):
    state: State | None = None
    to: Address | None = None
    category: Category | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@router.post("", status_code=202, responses=problems(*ASKING))
async def send_email(
    body: MailIn, response: Response, caller: Sender, ports: Bound, keys: Keys, key: IdempotencyKey = None
) -> AcceptedOut:
    """Accept a mail and send it soon, or at `send_at`."""
    intent = keys.intent(key, caller, "POST /outbox/emails", body)
    mail, replayed = asking.ask(ports.store, lambda: _draft(body, ports, caller), intent, by=caller.owner_id)
    response.headers["Location"] = f"/outbox/emails/{mail.id}"
    if replayed:
        response.headers["Idempotent-Replay"] = "true"
    return AcceptedOut(id=mail.id, state=mail.state)


@router.post("/batch", status_code=202, responses=problems(InvalidRequest, PayloadTooLarge))
async def send_batch(body: BatchIn, caller: Sender, ports: Bound, keys: Keys, key: IdempotencyKey = None) -> BatchOut:
    """Accept up to 100 mails, each for itself; the answer says what became of each."""
    items, waiting = [], list[Mail]()
    for position, item in enumerate(body.items):
        # A key for each, so that a repeated batch meets its own mails one by one.
        own = hashlib.sha256(f"{key}\n{position}".encode()).hexdigest() if key else None
        items.append(_one_of_batch(item, own, caller, ports, keys, waiting))
    # Should this be the last that is heard of us, the sweeper brings them.
    announce_all(ports.store, waiting)
    return BatchOut(items=items)


@router.get("", responses=problems(InvalidRequest, InvalidCursor))
async def list_emails(
    asked: Annotated[MailParams, Query()], caller: Sender, store: Store, keys: Keys
) -> Page[MailSummaryOut]:
    """Mails in one state, or to one address, newest first, of the last 30 days. A page may be short."""
    route = "GET /outbox/emails"
    place = keys.state(caller, route, asked, asked.cursor)
    mails, following = _listed(store, asked, place, only_own(caller))
    return Page(items=[summary(mail) for mail in mails], next=keys.cursor(caller, route, asked, following))


@router.get("/{mail_id:ulid}", responses=problems(NotFound))
async def get_email(mail_id: str, caller: Sender, store: Store) -> MailOut:
    """One mail, its attempts, and what the provider said of it."""
    found = store.listing.timeline(mail_id)
    if found is None or only_own(caller) not in (None, found[0].asked_by):
        raise NotFound()
    return _whole(*found)


@router.post("/{mail_id:ulid}/cancel", responses=problems(NotFound, NotCancellable))
async def cancel_email(mail_id: str, caller: Sender, store: Store) -> AcceptedOut:
    """Cancel a mail that is still queued."""
    own = only_own(caller)
    before = store.mails.get(mail_id) if own else None
    if own and (before is None or before.asked_by != own):
        raise NotFound()
    mail = manage.cancel(store, mail_id)
    return AcceptedOut(id=mail.id, state=mail.state)


@router.post("/{mail_id:ulid}/retry", status_code=202, responses=problems(NotFound, NotRetryable))
async def retry_email(mail_id: str, caller: Manager, store: Store) -> AcceptedOut:
    """Queue a mail again that is dead or whose outcome is unknown."""
    mail = manage.retry(store, mail_id)
    return AcceptedOut(id=mail.id, state=mail.state)


@router.get("/{mail_id:ulid}/source", responses=problems(NotFound, Gone))
async def email_source(mail_id: str, caller: Manager, store: Store) -> SourceOut:
    """The mail as RFC 5322 text; secrets are withheld."""
    return SourceOut(source=manage.source(store, mail_id))


def _attachments(body: MailIn, ports: Ports, caller: Principal) -> tuple[Attachment, ...]:
    """In the order they were given. Raises `PayloadTooLarge`, `FileNotReady`."""
    brought = {
        position: Attachment(one.name or "", one.type or "", one.base64 or "")
        for position, one in enumerate(body.attachments)
        if one.file_id is None
    }
    inline = sum(len(one.content) for one in brought.values())
    if inline > MAX_INLINE_BYTES:
        raise PayloadTooLarge(f"Attachments that come along may hold {MAX_INLINE_BYTES:,} bytes together.")
    kept = {position: one.file_id for position, one in enumerate(body.attachments) if one.file_id is not None}
    files = ports.files.attach(kept, caller)
    if inline + sum(one.size for one in files.values()) > MAX_BYTES:
        raise PayloadTooLarge(f"Attachments may hold {MAX_BYTES:,} bytes together.")
    return tuple(one for _, one in sorted({**brought, **files}.items()))


def _draft(body: MailIn, ports: Ports, caller: Principal) -> Draft:
    attachments = _attachments(body, ports, caller)
    subject = body.subject or ""
    if body.template is not None:
        template = template_of(body.template)
        if template.secrets:
            refused = FieldError("/template", "It carries a secret, and only accounts sends it.")
            raise InvalidRequest("This template is not for requests.", errors=[refused])
        subject = template.subject
    content = Content(
        text=body.text,
        html=body.html,
        template=body.template,
        data=dict(body.data),
        reply_to=body.reply_to,
        headers=dict(body.headers),
        tags=dict(body.tags),
        attachments=attachments,
    )
    to, cc, bcc = once_each(body.to, body.cc, body.bcc)
    return Draft(
        sender=body.from_ or ports.store.settings.mail_from,
        to=to,
        cc=cc,
        bcc=bcc,
        subject=subject,
        content=content,
        category=body.category,
        on_unknown=body.on_unknown or on_unknown_of(body.category),
        send_at=body.send_at,
    )


def _one_of_batch(
    item: MailIn, key: str | None, caller: Principal, ports: Ports, keys: Keys, waiting: list[Mail]
) -> BatchItemOut:
    """What became of it; a mail that is to be sent at once is among those `waiting` to be told of."""
    intent = keys.intent(key, caller, "POST /outbox/emails/batch", item)
    try:
        mail, _ = asking.ask(
            ports.store,
            lambda: _draft(item, ports, caller),
            intent,
            by=caller.owner_id,
            tell=lambda _, mails: waiting.extend(mails),
        )
    except Problem as problem:
        said = ProblemOut(
            type=f"/problems/{problem.slug}", title=problem.title, status=problem.status, detail=problem.detail
        )
        return BatchItemOut(problem=said)
    return BatchItemOut(id=mail.id, state=mail.state)


def _listed(
    store: MailStore, asked: MailParams, place: dict[str, Any] | None, own: str | None
) -> tuple[list[Mail], dict[str, Any] | None]:
    if (asked.state is None) == (asked.to is None):
        raise InvalidRequest("Name a state or a recipient.", errors=[FieldError("?state", "Give it or `to`.")])
    listing, narrowed = store.listing, {"category": asked.category, "asked_by": own}
    if asked.to is not None:
        mails, after = listing.to_address(asked.to, asked.limit, place and place["after"], **narrowed)
        return mails, {"after": after} if after else None
    started = Place(**place) if place else None
    mails, following = listing.in_state(str(asked.state), asked.limit, started, **narrowed)
    return mails, {"day": following.day, "after": following.after} if following else None


def summary(mail: Mail) -> MailSummaryOut:
    return MailSummaryOut(**_common(mail))


def _common(mail: Mail) -> dict[str, Any]:
    named = ("id", "state", "category", "subject", "created_at", "attempt", "possible_duplicate", "reason")
    return {**{name: getattr(mail, name) for name in named}, "to": list(mail.to)}


def _recipient(mail: Mail, address: str, news: list[News]) -> RecipientOut:
    about = [one.kind for one in news if one.recipient_hash in ("", digest(address))]
    told = [STATES[kind] for kind in about if kind in STATES]
    return RecipientOut(address=address, state=recipient_state(mail, address, told))  # type: ignore[arg-type]


def _whole(mail: Mail, news: list[News]) -> MailOut:
    named = {digest(address): address for address in mail.recipients}
    told = [
        NewsOut(
            at=one.at, attempt=one.attempt, kind=one.kind, recipient=named.get(one.recipient_hash), detail=one.detail
        )
        for one in news
    ]
    return MailOut(
        recipients=[_recipient(mail, address, news) for address in mail.recipients],
        **_common(mail),
        cc=list(mail.cc),
        bcc=list(mail.bcc),
        sender=mail.sender,
        on_unknown=mail.on_unknown,
        next_at=mail.next_at,
        attempts=[EntryOut(at=at.at, attempt=at.attempt, outcome=at.outcome, detail=at.detail) for at in mail.history],
        events=told,
    )
