"""Sealing each day's entries, and finding out whether they are still as they were sealed."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from tessera import clock, log
from tessera.auth.audit import audit
from tessera.auth.principal import Principal
from tessera.problems import FieldError, InvalidRequest

from .. import merkle
from ..ports import Ports
from ..store import Seal
from ..store.seals import BEGINNING, day_before
from ..store.trail import content

OURSELVES = Principal(kind="service", id="admin", credential="iam")
# Before the first seal: how far back there may be entries. In one run: how many days are caught up with.
LOOK_BACK_DAYS, AT_ONCE = 31, 60

State = Literal["verified", "broken", "unsealed"]
What = Literal["missing", "added", "changed"]


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a day, if anything. `first_bad` names an entry by its time and event id."""

    day: str
    state: State
    count: int = 0
    seal: Seal | None = None
    signed: bool = False
    chained: bool = False
    listed: bool = False
    first_bad: str | None = None
    what: What | None = None


def seal_due(ports: Ports) -> list[Seal]:
    """Seal every day that has ended and is not sealed, from the last seal on. Doing it twice seals nothing twice."""
    yesterday = clock.now().date() - timedelta(days=1)
    day = _first_unsealed(ports, yesterday)
    made: list[Seal] = []
    while day <= yesterday and len(made) < AT_ONCE:
        made.append(seal(ports, day.isoformat()))
        day += timedelta(days=1)
    return made


def seal(ports: Ports, day: str) -> Seal:
    """Seal one day."""
    before = ports.seals.get(day_before(day))
    leaves = _leaves(ports, day)
    told = audit("admin.day-sealed", f"day:{day}", by=OURSELVES, count=len(leaves))
    made = ports.seals.keep(day, leaves, before.digest if before else BEGINNING, told)
    log.line("sealed", count=made.count)
    return made


def verify(ports: Ports, day: date) -> Verdict:
    """Look at every entry of a day again. Reads the day, its seal and the one before, the seal's file, the key.

    Raises `InvalidRequest` for a day that has not ended.
    """
    if day >= clock.now().date():
        told = "A day is sealed after it has ended."
        raise InvalidRequest(told, errors=[FieldError("?day", told)])
    name = day.isoformat()
    found = ports.seals.get(name)
    leaves = _leaves(ports, name)
    if found is None:
        return Verdict(name, "unsealed", len(leaves))
    signed = found.day == name and ports.seals.is_signed(found)
    before = ports.seals.get(day_before(name))
    chained = found.previous == (before.digest if before else BEGINNING)
    same = merkle.root(bytes.fromhex(digest) for _, digest in leaves).hex() == found.root
    filed = ports.seals.listed(name)
    # The file may be believed as far as it leads to the root that was signed.
    listed = filed is not None and filed[0].statement == found.statement and _leads_to(filed[1], found.root)
    bad = merkle.first_difference(filed[1], leaves) if filed is not None and listed and not same else None
    whole = signed and chained and listed and same and len(leaves) == found.count
    return Verdict(
        day=name,
        state="verified" if whole else "broken",
        count=len(leaves),
        seal=found,
        signed=signed,
        chained=chained,
        listed=listed,
        first_bad=bad[0] if bad else None,
        what=_what(bad[1]) if bad else None,
    )


def _first_unsealed(ports: Ports, yesterday: date) -> date:
    last = ports.seals.last_day()
    if last is not None:
        return last + timedelta(days=1)
    days = [yesterday - timedelta(days=back) for back in range(LOOK_BACK_DAYS, 0, -1)]
    return next((day for day in days if ports.trail.has_entries(day.isoformat())), yesterday)


def _leaves(ports: Ports, day: str) -> list[tuple[str, str]]:
    return [(row.sk, merkle.leaf(content(row)).hex()) for row in ports.trail.of_day(day)]


def _leads_to(entries: list[tuple[str, str]], root: str) -> bool:
    try:
        return merkle.root(bytes.fromhex(digest) for _, digest in entries).hex() == root
    except ValueError:
        return False


def _what(text: str) -> What:
    return "missing" if text == "missing" else "added" if text == "added" else "changed"
