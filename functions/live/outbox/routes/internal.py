from fastapi import APIRouter

from tessera.entry import problems
from tessera.problems import InvalidRequest

from ..actions import ask, manage
from ..drafts import Content, Draft
from ..rules import AllSuppressed
from ..schemas import ErasedOut, EraseIn, HandedOverOut, HandOverIn
from .given import Accounts, Notifier, Store

router = APIRouter(prefix="/outbox/internal", tags=["internal"], include_in_schema=False)


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, store: Store) -> ErasedOut:
    """Delete some of the mails to a person's addresses. To be asked again until it answers done."""
    return ErasedOut(done=manage.erase(store, body.addresses, body.owner_id))


@router.post("/emails", status_code=202, responses=problems(InvalidRequest, AllSuppressed))
async def hand_over(body: HandOverIn, caller: Notifier, store: Store) -> HandedOverOut:
    """Take a mail under the id it comes with; however often it comes, it is sent once."""
    draft = Draft(
        sender=store.settings.mail_from,
        to=(body.to,),
        subject=body.subject,
        content=Content(text=body.text, html=body.html, headers=dict(body.headers)),
        category=body.category,
        on_unknown="resend" if body.category == "transactional" else "hold",
    )
    ask.hand_over(store, draft, body.id, by=caller.id)
    return HandedOverOut(id=body.id)
