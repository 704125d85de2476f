from typing import Annotated

from tessera import auth
from tessera.auth.principal import Principal
from tessera.entry import Router, problems
from tessera.problems import NotFound, Unavailable

from ..actions import purge, show
from ..rules.problems import FileNotClean, NoThumbnail
from ..schemas.files import ServedThumbOut, ThumbIn
from ..schemas.jobs import ErasedOut, EraseIn
from .given import PREFIX, Accounts, Bound

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)

Showing = Annotated[Principal, auth.service("chat")]


@router.post("/thumb", responses=problems(NotFound, NoThumbnail, FileNotClean, Unavailable))
async def thumbnail(body: ThumbIn, caller: Showing, ports: Bound) -> ServedThumbOut:
    """The thumbnail of a file that who asks shows to whom they let see it; without an address while it is made."""
    found = show.for_service(ports, body.file_id, body.size, body.accept)
    return ServedThumbOut(url=found.url, blurhash=found.blurhash, w=found.width, h=found.height)


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """Delete some of what was made for an owner. To be asked again until it answers done."""
    done, erased = purge.erase(ports, body.owner_id)
    return ErasedOut(done=done, erased=erased)
