"""What is kept of a person: the counter, what they have chosen, their number."""

import json
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from tessera import clock
from tessera.etags import StaleVersion
from tessera.expressions import is_new
from tessera.tables import ConditionFailed, Table
from tessera.transact import Step, deleting, putting, transact, updating

from ..rules.kinds import Digest, Preferences, Window
from .rows import (
    COUNTS,
    FEED_KEPT,
    PHONE,
    PREFERENCES,
    SOLE,
    AddressRow,
    EitherRow,
    PersonRow,
    PhoneRow,
    PreferenceRow,
    StopRow,
    digest,
    dumps,
    expiry,
    user_pk,
)

CODE_LIFE = timedelta(minutes=10)
MAX_TRIES, MAX_CODES_A_DAY = 5, 5


class TooManyCodes(Exception):
    """So many codes were asked for today that no more is sent."""


class People:
    def __init__(self, table: Table) -> None:
        self.table = table

    def get(self, user_id: str) -> PersonRow | None:
        """1 request."""
        return self.table.get(PersonRow, user_pk(user_id), COUNTS)

    def preferences(self, user_id: str) -> Preferences:
        """What somebody has chosen, or what everybody begins with. 1 request."""
        return _preferences(self.table.get(PreferenceRow, user_pk(user_id), PREFERENCES))

    def many(self, user_ids: Sequence[str]) -> dict[str, tuple[PersonRow | None, Preferences]]:
        """Both of up to 50 people. 1 request."""
        keys = [(user_pk(one), sk) for one in user_ids for sk in (COUNTS, PREFERENCES)]
        rows = {(row.pk, row.sk): row for row in self.table.get_many(EitherRow, keys, consistent=True)}
        return {
            one: (rows.get((user_pk(one), COUNTS)), _preferences(rows.get((user_pk(one), PREFERENCES))))
            for one in user_ids
        }

    def greet(self, user_id: str, locale: str) -> None:
        """Note that the user exists. 1 write."""
        try:
            self.table.put(PersonRow(pk=user_pk(user_id), sk=COUNTS, locale=locale or None), only_if=is_new())
        except ConditionFailed:
            return

    def choose(self, user_id: str, chosen: Preferences, *, expect: int | None) -> Preferences:
        """Keep what somebody has chosen, in place of this version. 1 write. Raises `StaleVersion`."""
        row = PreferenceRow(pk=user_pk(user_id), sk=PREFERENCES, chosen=dumps(_dumped(chosen)))
        version = Path("version")
        known = is_new() if expect == 0 else None if expect is None else version == expect
        try:
            made = self.table.update(
                PreferenceRow,
                row.pk,
                row.sk,
                Path("chosen").set(row.chosen),
                only_if=known,
                upsert=True,
            )
        except ConditionFailed as failed:
            now = failed.old.version if failed.old else 0
            raise StaleVersion(f"You read version {expect}; it is at {now} now. Read it again.") from None
        return _preferences(made)

    def counting(self, user_id: str, change: int) -> Step:
        """The step that moves the counter with the row that is counted."""
        return updating(
            self.table, PersonRow, user_pk(user_id), COUNTS, PersonRow.unread.add(change), upsert=True, bump=False
        )

    def see(self, user_id: str, notification_id: str) -> bool:
        """Note up to where somebody has seen. 1 write. Whether that is further than before."""
        seen = Path("seen_id")
        further = seen.does_not_exist() | (seen < notification_id)
        return self._move(user_id, "seen_id", notification_id, only_if=further)

    def read_up_to(self, user_id: str, notification_id: str) -> bool:
        before = Path("read_before")
        further = before.does_not_exist() | (before < notification_id)
        return self._move(user_id, "read_before", notification_id, only_if=further)

    def _move(self, user_id: str, name: str, value: str, *, only_if: Condition) -> bool:
        try:
            self.table.update(
                PersonRow, user_pk(user_id), COUNTS, Path(name).set(value), only_if=only_if, upsert=True, bump=False
            )
        except ConditionFailed:
            return False
        return True

    def phone(self, user_id: str) -> PhoneRow | None:
        return self.table.get(PhoneRow, user_pk(user_id), PHONE)

    def ask_code(self, user_id: str, number: str, code: str, now: datetime) -> None:
        """Keep the code that was sent to a number. 1 or 2 writes. Raises `TooManyCodes`."""
        today = f"{now:%Y%m%d}"
        changes = [
            Path("waiting").set(number),
            Path("code").set(code),
            Path("code_until").set(int((now + CODE_LIFE).timestamp())),
            Path("tries").set(0),
        ]
        day, asked = Path("asked_day"), Path("asked")
        try:
            self.table.update(
                PhoneRow,
                user_pk(user_id),
                PHONE,
                *changes,
                asked.add(1),
                only_if=(day == today) & (asked < MAX_CODES_A_DAY),
            )
        except ConditionFailed as failed:
            if failed.old is not None and failed.old.asked_day == today:
                raise TooManyCodes from None
            fresh = day.does_not_exist() | (day != today)
            try:
                self.table.update(
                    PhoneRow,
                    user_pk(user_id),
                    PHONE,
                    *changes,
                    day.set(today),
                    asked.set(1),
                    only_if=fresh,
                    upsert=True,
                )
            except ConditionFailed:
                raise TooManyCodes from None

    def try_code(self, user_id: str, now: datetime) -> PhoneRow | None:
        """Take one of the tries: the row with the code, or None when there is none left. 1 write."""
        waits = (Path("tries") < MAX_TRIES) & (Path("code_until") > int(now.timestamp())) & Path("code").exists()
        try:
            return self.table.update(PhoneRow, user_pk(user_id), PHONE, Path("tries").add(1), only_if=waits)
        except ConditionFailed:
            return None

    def confirm_number(self, user_id: str, row: PhoneRow) -> bool:
        """The number that waits is the user's. 1 transaction. False when its code was used or replaced meanwhile."""
        number, before = str(row.waiting), row.number
        steps = [
            updating(
                self.table,
                PhoneRow,
                user_pk(user_id),
                PHONE,
                Path("number").set(number),
                Path("waiting").remove(),
                Path("code").remove(),
                only_if=Path("code") == row.code,
            ),
            putting(self.table, AddressRow(pk=number_pk(number), sk=user_id)),
        ]
        if before and before != number:
            steps.append(deleting(self.table, AddressRow, number_pk(before), user_id))
        try:
            transact(*steps)
        except ConditionFailed:
            return False
        return True

    def forget_number(self, user_id: str) -> None:
        row = self.phone(user_id)
        if row is None:
            return
        steps = [updating(self.table, PhoneRow, row.pk, row.sk, Path("number").remove(), Path("waiting").remove())]
        if row.number:
            steps.append(deleting(self.table, AddressRow, number_pk(row.number), user_id))
        transact(*steps)

    def stop(self, number: str) -> None:
        """The number wants nothing any more. 1 write."""
        self.table.put(StopRow(pk=f"STOP#{digest(number)}", sk=SOLE))

    def start(self, number: str) -> None:
        self.table.delete(StopRow, f"STOP#{digest(number)}", SOLE)

    def has_stopped(self, number: str) -> bool:
        return self.table.get(StopRow, f"STOP#{digest(number)}", SOLE) is not None

    def note_address(self, address: str, user_id: str) -> None:
        """Remember whose an address is that a mail goes to, by its hash alone. 1 write."""
        row = AddressRow(pk=f"MA#{digest(address.lower())}", sk=user_id, ttl=expiry(clock.now(), FEED_KEPT))
        self.table.put(row)

    def forget_address(self, address: str, user_id: str) -> None:
        self.table.delete(AddressRow, f"MA#{digest(address.lower())}", user_id)

    def behind(self, address_hash: str) -> list[str]:
        """Who has got mail at the address with this hash. 1 request."""
        return [row.sk for row in self.table.query(AddressRow, f"MA#{address_hash}", limit=20).rows]


def number_pk(number: str) -> str:
    return f"PH#{digest(number)}"


def _preferences(row: PreferenceRow | EitherRow | None) -> Preferences:
    if row is None:
        return Preferences()
    found = json.loads(row.chosen)
    return Preferences(
        tz=found["tz"],
        locale=found["locale"],
        matrix=found["matrix"],
        digests={
            name: Digest(one["cadence"], time.fromisoformat(one["at"]), one["weekday"])
            for name, one in found["digests"].items()
        },
        windows=tuple(
            Window(frozenset(one["days"]), time.fromisoformat(one["start"]), time.fromisoformat(one["end"]))
            for one in found["windows"]
        ),
        quiet_mode=found["quiet_mode"],
        muted_until=clock.parse(found["muted_until"]) if found["muted_until"] else None,
        muted_actors=frozenset(found["muted_actors"]),
        webhooks=tuple(found["webhooks"]),
        version=int(row.version),
    )


def _dumped(chosen: Preferences) -> dict[str, Any]:
    return {
        "tz": chosen.tz,
        "locale": chosen.locale,
        "matrix": {name: dict(row) for name, row in chosen.matrix.items()},
        "digests": {
            name: {"cadence": one.cadence, "at": f"{one.at:%H:%M}", "weekday": one.weekday}
            for name, one in chosen.digests.items()
        },
        "windows": [
            {"days": sorted(one.days), "start": f"{one.start:%H:%M}", "end": f"{one.end:%H:%M}"}
            for one in chosen.windows
        ],
        "quiet_mode": chosen.quiet_mode,
        "muted_until": clock.rfc3339(chosen.muted_until) if chosen.muted_until else None,
        "muted_actors": sorted(chosen.muted_actors),
        "webhooks": list(chosen.webhooks),
    }
