"""What only our own services ask."""

from tessera.entry import Router

from ..actions import manage
from ..staff_schemas import ErasedOut, EraseIn
from .given import PREFIX, Accounts, Bound

router = Router(prefix=f"{PREFIX}/internal", tags=["internal"], include_in_schema=False)


@router.post("/erase")
async def erase(body: EraseIn, caller: Accounts, ports: Bound) -> ErasedOut:
    """Delete some of what a person has. To be asked again until it answers done."""
    done, erased = manage.erase(ports, body.owner_id, body.addresses)
    return ErasedOut(done=done, erased=erased)
