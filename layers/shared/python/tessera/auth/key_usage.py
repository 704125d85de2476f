"""What is known of an API key's use: it rides on the limiter's write, so that knowing it costs nothing.

The bucket of a key also says when and from where it was used last, how many requests it made, and for a
week how many on each day, by class and by how they came out. How a request came out is known only after
its own write, so it goes with the next one: that of the very last request of a process may be missing.
"""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Self

from tessera import aws, clock
from tessera.auth.call import Call
from tessera.auth.settings import AuthSettings
from tessera.limits import Limits
from tessera.policies import KEYS
from tessera.problems import Unavailable
from tessera.recent import Recent
from tessera.settings import Bindings
from tessera.tables import Item, key
from tessera.tallies import Note

# A key is good for a year at most, and can be looked at for some time after that.
SEEN_DAYS = 400
# So many days of counters keep the item below 1 KB, which is one write unit.
USAGE_DAYS = 7
REMEMBERED_KEYS = 2_000
# What is charged by a policy of the route's own, in place of its class, counts as `named`.
NAMED = "named"
CLASSES = {"read": "r", "write": "w", "expensive": "e", "auth": "a", NAMED: "n"}
STATUSES = (2, 3, 4, 5)
_LETTERS = {letter: name for name, letter in CLASSES.items()}


@dataclass(frozen=True)
class Used:
    """How a key was used: `requests` by day and class, `answers` by day, class and first digit of the status."""

    last_at: int | None = None
    address: str | None = None
    total: int = 0
    requests: Mapping[tuple[date, str], int] = field(default_factory=dict)
    answers: Mapping[tuple[date, str, int], int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Answered:
    usage: "KeyUsage"
    key_id: str
    rate_class: str

    def __call__(self, status: int) -> None:
        self.usage.answered(self.key_id, self.rate_class, status)


class KeyUsage:
    """What this process has seen of keys and not written yet; and what all processes have written."""

    def __init__(self, limits: Limits, table: str) -> None:
        self._limits, self._table, self._lock = limits, table, threading.Lock()
        self._waiting: Recent[Counter[str]] = Recent(REMEMBERED_KEYS)
        self._cleared: Recent[date] = Recent(REMEMBERED_KEYS)

    @classmethod
    def bind(cls, bindings: Bindings) -> Self:
        return cls(bindings.get(Limits), bindings.settings(AuthSettings).ratelimit)

    def note(self, call: Call, key_id: str, rate_class: str) -> Note | None:
        """What the write of this request's charge keeps. `written` is to be told once that is done.

        None for the second charge of a request, which is the same use.
        """
        if any(isinstance(tell, _Answered) for tell in call.on_answer):
            return None
        rate_class = rate_class or NAMED
        call.on_answer.append(_Answered(self, key_id, rate_class))
        now = clock.now()
        with self._lock:
            waiting = self._of(key_id)
        adds = {"n": 1, **(waiting + Counter([counter(now.date(), rate_class)]))}
        past = self._long_past(key_id, rate_class, now.date())
        return Note(
            sets={"last": int(now.timestamp()), "ip": call.client_address},
            adds=adds,
            # A process that slept for a week may still have something to add where another would take it away.
            drops=tuple(name for name in past if name not in adds),
            days=SEEN_DAYS,
        )

    def written(self, key_id: str, note: Note) -> None:
        """The note is on the bucket."""
        with self._lock:
            self._waiting.put(key_id, self._of(key_id) - Counter(note.adds))
            for name in note.drops[:1]:
                self._cleared.put(f"{key_id}{name[9]}", clock.now().date())

    def answered(self, key_id: str, rate_class: str, status: int) -> None:
        """A request of this key came to this status."""
        with self._lock:
            counted = Counter([counter(clock.now().date(), rate_class, status)])
            self._waiting.put(key_id, self._of(key_id) + counted)

    def of(self, key_ids: Sequence[str]) -> dict[str, Used]:
        """How these keys were used, by id. 1 request for 100 of them, half a read unit each. Raises `Unavailable`."""
        wanted = {self._limits.bucket_of(f"key:{key_id}"): key_id for key_id in key_ids}
        found: dict[str, Used] = {}
        waiting = [key(bucket, KEYS) for bucket in wanted]
        while waiting:
            try:
                answer = aws.client("dynamodb").batch_get_item(RequestItems={self._table: {"Keys": waiting[:100]}})
            except (aws.ClientError, aws.BotoCoreError) as error:
                raise Unavailable("It cannot be looked up right now how keys were used.") from error
            for item in answer["Responses"].get(self._table, []):
                found[wanted[item["pk"]["S"]]] = _used(item)
            waiting = waiting[100:] + answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return found

    def forget(self, key_id: str) -> None:
        """Leave nothing by which this key's use could be told, and its bucket to go by itself. 1 write.

        Raises `Unavailable`.
        """
        try:
            aws.client("dynamodb").update_item(
                TableName=self._table,
                Key=key(self._limits.bucket_of(f"key:{key_id}"), KEYS),
                # A key that was never used has no bucket, and is not to get one.
                ConditionExpression="attribute_exists(pk)",
                UpdateExpression="SET #ttl = :now REMOVE ip, #last",
                ExpressionAttributeNames={"#ttl": "ttl", "#last": "last"},
                ExpressionAttributeValues={":now": {"N": str(int(clock.now().timestamp()))}},
            )
        except (aws.ClientError, aws.BotoCoreError) as error:
            if isinstance(error, aws.ClientError) and aws.code_of(error) == "ConditionalCheckFailedException":
                return
            raise Unavailable("How a key was used cannot be forgotten right now.") from error

    def _of(self, key_id: str) -> Counter[str]:
        return self._waiting.get(key_id) or Counter()

    def _long_past(self, key_id: str, rate_class: str, today: date) -> tuple[str, ...]:
        """The counters of the weeks before those that are kept, once a day and class.

        A key that rests for longer than that keeps its last days: some twenty in a whole life at most.
        """
        if self._cleared.get(f"{key_id}{CLASSES[rate_class]}") == today:
            return ()
        days = [today - timedelta(days=USAGE_DAYS + ago) for ago in range(1, USAGE_DAYS + 1)]
        names = [counter(day, rate_class) for day in days]
        return tuple(names + [f"{name}{status}" for name in names for status in STATUSES])


def counter(day: date, rate_class: str, status: int | None = None) -> str:
    """The attribute that counts the requests of a day and class, or those of them with this kind of answer."""
    return f"u{day:%Y%m%d}{CLASSES[rate_class]}{'' if status is None else status // 100}"


def _used(item: Item) -> Used:
    requests: dict[tuple[date, str], int] = {}
    answers: dict[tuple[date, str, int], int] = {}
    for name in filter(_is_counter, item):
        day, rate_class, count = date.fromisoformat(name[1:9]), _LETTERS[name[9]], int(item[name]["N"])
        if len(name) == 10:
            requests[day, rate_class] = count
        else:
            answers[day, rate_class, int(name[10])] = count
    last, address = item.get("last"), item.get("ip")
    return Used(
        last_at=int(last["N"]) * 1000 if last else None,
        address=str(address["S"]) if address else None,
        total=int(item["n"]["N"]) if "n" in item else 0,
        requests=requests,
        answers=answers,
    )


def _is_counter(name: str) -> bool:
    return name[0] == "u" and name[1:9].isdigit() and name[9:10] in _LETTERS
