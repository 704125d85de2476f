"""What the rules of rank refuse to staff is on record, as what the guards refuse is."""

from collections.abc import Iterator
from contextlib import contextmanager

from tessera.auth.audit import audit

from ..accounts import Asker
from ..ports import Ports
from ..rules import NotYourself, RankTooLow, WouldEscalate


@contextmanager
def on_record(ports: Ports, target: str, asker: Asker) -> Iterator[None]:
    """A refusal of what is done in here is an entry about the target: 1 write."""
    try:
        yield
    except (NotYourself, RankTooLow, WouldEscalate) as refused:
        assert asker.principal is not None
        told = audit(
            "admin.refused", target, by=asker.principal, call=asker.call, outcome="denied", problem=refused.slug
        )
        ports.trail.tell(told)
        raise
