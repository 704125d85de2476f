from typing import Annotated

from fastapi import Query, Response

from tessera.cursors import InvalidCursor
from tessera.entry import Router, problems
from tessera.entry.headers import IdempotencyKey, show_created
from tessera.idempotency import IdempotencyMismatch
from tessera.problems import Gone, NotFound, Unavailable
from tessera.types import Page

from ..schemas.reminders import ListParams, SecretIn, SecretMadeOut, SecretOut
from .given import PREFIX, TAGS, Bound, Keys, Person, Reader, Writer, secret_out

router = Router(prefix=f"{PREFIX}/secrets", tags=TAGS)


@router.post("", status_code=201, responses=problems(IdempotencyMismatch, Gone, Unavailable))
async def create_secret(
    body: SecretIn, response: Response, caller: Person, ports: Bound, keys: Keys, key: IdempotencyKey = None
) -> SecretMadeOut:
    """Make a secret with which webhooks are signed, as Standard Webhooks describes."""
    intent = keys.intent(key, caller, f"POST {PREFIX}/secrets", body)
    row, secret = ports.secrets.create(caller.owner_id, body.name, intent)
    show_created(response, location=f"{PREFIX}/secrets/{row.id}", version=1, replayed=secret is None)
    return SecretMadeOut(**secret_out(row).model_dump(), secret=secret)


@router.get("", responses=problems(InvalidCursor))
async def list_secrets(
    asked: Annotated[ListParams, Query()], caller: Reader, ports: Bound, keys: Keys
) -> Page[SecretOut]:
    """Which secrets there are; what they are is never shown again."""
    route = f"GET {PREFIX}/secrets"
    state = keys.state(caller, route, asked, asked.cursor)
    page = ports.secrets.page(caller.owner_id, asked.limit, state["after"] if state else None)
    following = keys.cursor(caller, route, asked, {"after": page.next} if page.next else None)
    return Page[SecretOut](items=[secret_out(row) for row in page.rows], next=following)


@router.delete("/{secret_id:ulid}", status_code=204, responses=problems(NotFound))
async def delete_secret(secret_id: str, caller: Writer, ports: Bound) -> None:
    """Forget a secret. Webhooks that were to be signed with it fail from now on."""
    ports.secrets.delete(caller.owner_id, secret_id)
