from tessera.entry import Router, problems
from tessera.problems import InvalidRequest

from ..actions import ask, manage
from ..drafts import Content, Draft
from ..replies import address_of
from ..rules import AllSuppressed, on_unknown_of
from ..schemas import ErasedOut, EraseIn, HandedOverOut, HandOverIn
from ..templates import MissingVariable, UnknownTemplate, template_of
from .given import Accounts, Bound, Store, Writer

router = Router(prefix="/outbox/internal", tags=["internal"], include_in_schema=False)


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, store: Store) -> ErasedOut:
    """Delete some of the mails to a person's addresses. To be asked again until it answers done."""
    return ErasedOut(done=manage.erase(store, body.addresses, body.owner_id))


@router.post(
    "/emails", status_code=202, responses=problems(InvalidRequest, AllSuppressed, UnknownTemplate, MissingVariable)
)
async def hand_over(body: HandOverIn, caller: Writer, ports: Bound) -> HandedOverOut:
    """Take a mail under the id it comes with; however often it comes, it is sent once."""
    settings = ports.store.settings
    answered = body.reply_ref is not None and settings.reply_domain
    content = Content(
        text=body.text,
        html=body.html,
        template=body.template,
        data=dict(body.data),
        sealed=body.secret,
        reply_to=address_of(ports.mac, settings.reply_domain, body.reply_ref or "") if answered else None,
        headers=dict(body.headers),
    )
    draft = Draft(
        sender=settings.mail_from,
        to=(body.to,),
        subject=body.subject or (template_of(body.template).subject if body.template else ""),
        content=content,
        category=body.category,
        on_unknown=on_unknown_of(body.category),
    )
    ask.hand_over(ports.store, draft, body.id, by=caller.id)
    return HandedOverOut(id=body.id)
