"""What only our own services ask, from their workers, never while somebody waits for an answer."""

from typing import Annotated

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router

from ..actions import preview
from ..actions.preview import Wish
from ..schemas import BatchOut, CardsIn
from .shared import PREFIX, Bound, result_out

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)
Services = Annotated[Principal, auth.service("chat", "social", "boards", "blog", "feeds")]


@router.post("/cards")
async def cards(body: CardsIn, caller: Services, ports: Bound) -> BatchOut:
    """The cards of up to 10 links."""
    found = preview.previews(ports, [Wish(url) for url in body.urls])
    return BatchOut(items=[result_out(ports, url, each) for url, each in zip(body.urls, found, strict=True)])
