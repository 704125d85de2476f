"""DynamoDB transactions: several conditional writes, all or none, each with its own refusal.

This is the one retry rule for contention: a transaction that only met a conflict or a throttle is
tried again with full jitter; one whose condition failed is refused with the problem its action names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action as Change

from tessera import aws, clock, ids, outbox
from tessera.backoff import Backoff
from tessera.expressions import Expressions, exists, is_free, update_parameters
from tessera.problems import Busy, Problem
from tessera.tables import ConditionFailed, Item, Row, Table, item_of, key, read, refusal_of

MAX_ACTIONS, MAX_BYTES = 100, 4_000_000
MAX_TRIES, BUDGET_SECONDS = 8, 3.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.010, 0.320
# A dead letter waits for two weeks, and may then be given another try.
SEEN_DAYS = 15
_PASSING = frozenset(["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "None"])

# What a refused action raises: a problem, its class, or what a callable makes of the item in the way.
Refusal = Exception | type[Problem] | Callable[[Any], Exception]


@dataclass(frozen=True)
class Step:
    """One action of a transaction, and what it means when its condition fails."""

    verb: str
    parameters: dict[str, Any]
    row: type[Row]
    refused: Refusal | None = None
    expect: int | None = None

    @property
    def item_key(self) -> tuple[str, str, str]:
        found = self.parameters.get("Key") or self.parameters["Item"]
        return self.parameters["TableName"], found["pk"]["S"], found["sk"]["S"]

    def refusal(self, old: Item | None) -> Exception:
        failed = ConditionFailed(read(self.row, old))
        if self.refused is None:
            return refusal_of(failed, self.expect)
        if isinstance(self.refused, Exception):
            return self.refused
        refused: Any = self.refused
        made: Exception = (
            refused() if isinstance(refused, type) and issubclass(refused, Problem) else refused(failed.old)
        )
        return made


def putting(
    table: Table,
    row: Row,
    *,
    only_if: Condition | None = None,
    event: outbox.Event | None = None,
    refused: Refusal | None = None,
) -> Step:
    return _step("Put", table, type(row), only_if, refused, Item=item_of(row, event))


def updating(
    table: Table,
    row: type[Row],
    pk: str,
    sk: str,
    *changes: Change,
    only_if: Condition | None = None,
    expect: int | None = None,
    event: outbox.Event | None = None,
    refused: Refusal | None = None,
    upsert: bool = False,
    bump: bool = True,
) -> Step:
    made = update_parameters(changes, only_if=only_if, expect=expect, event=event, upsert=upsert, bump=bump)
    made.update(TableName=table.name, Key=key(pk, sk), ReturnValuesOnConditionCheckFailure="ALL_OLD")
    return Step("Update", made, row, refused, expect)


def deleting(
    table: Table, row: type[Row], pk: str, sk: str, *, only_if: Condition | None = None, refused: Refusal | None = None
) -> Step:
    return _step("Delete", table, row, only_if, refused, Key=key(pk, sk))


def checking(
    table: Table,
    row: type[Row],
    pk: str,
    sk: str,
    *,
    only_if: Condition | None = None,
    refused: Refusal | None = None,
) -> Step:
    """Hold a condition on an item that the transaction does not change."""
    return _step("ConditionCheck", table, row, exists() if only_if is None else only_if, refused, Key=key(pk, sk))


def telling(table: Table, event: outbox.Event) -> Step:
    """The second event of a change, on an item of its own."""
    return Step("Put", {"TableName": table.name, "Item": outbox.beside(event)}, Row)


class SomeRefused(Exception):
    """The steps that were refused, for who asked to be told of every one of them."""

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__(f"{len(steps)} steps of the transaction were refused.")
        self.steps = tuple(steps)


class Unsettled(Busy):
    """An answer was lost and no other came in time: nobody here knows whether it has happened."""


class AlreadySeen(Exception):
    """This event was applied before. Its message is done with."""


def seen(table: Table, event_id: str) -> Step:
    """A step that lets a transaction happen once per event. Its refusal counts as success."""
    expires = int(clock.now().timestamp()) + SEEN_DAYS * 86_400
    return putting(table, Row(pk=f"SEEN#{event_id}", sk="MAIN", ttl=expires), only_if=is_free(), refused=AlreadySeen)


def transact(*steps: Step, patient: bool = True, tell_all: bool = False) -> int:
    """Do all of it or nothing; returns how often contention stood in the way. 2 units per KB of each item, 1 request.

    Raises what the first refused step names, in the order of the steps; `Busy` when contention
    outlasts the retries, as `Unsettled` when it may have happened all the same. Who is not `patient`
    is told of a conflict at once, to look before trying again. With `tell_all`, `SomeRefused` names
    every refused step instead.
    """
    _hold_limits(steps)
    token = ids.new()
    actions = [_action(step, token) for step in steps]
    backoff = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, budget_seconds=BUDGET_SECONDS)
    busy: type[Busy] = Busy
    for attempt in range(MAX_TRIES):
        try:
            aws.client("dynamodb").transact_write_items(TransactItems=actions, ClientRequestToken=token)
            return attempt
        except aws.Unreachable:
            busy = Unsettled
        except aws.ClientError as error:
            if aws.code_of(error) == "TransactionCanceledException":
                if _settled(steps, error, token, tell_all=tell_all):
                    return attempt
                if not patient:
                    break
            elif aws.code_of(error) not in aws.THROTTLED | {"TransactionInProgressException"}:
                raise
        if not backoff.wait():
            break
    raise busy()


def _settled(steps: Sequence[Step], error: aws.ClientError, token: str, *, tell_all: bool = False) -> bool:
    """True when the cancellation only says that our own lost attempt had won; raises a refusal.

    Returns False when nothing but contention stood in the way.
    """
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])
    # A lost answer, then our own write in the way: that is a success, whatever else is in the way of a second one.
    if any((reason.get("Item") or {}).get("op_id", {}).get("S") == token for reason in reasons):
        return True
    refused = []
    for step, reason in zip(steps, reasons, strict=False):
        code = reason.get("Code", "None")
        if code == "ConditionalCheckFailed":
            old: Item | None = reason.get("Item")
            if not tell_all:
                raise step.refusal(old) from None
            refused.append(step)
        elif code not in _PASSING:
            raise error
    if refused:
        raise SomeRefused(refused) from None
    return False


def _action(step: Step, token: str) -> dict[str, Any]:
    parameters = dict(step.parameters)
    if step.verb == "Put":
        parameters["Item"] = {**parameters["Item"], "op_id": {"S": token}}
    return {step.verb: parameters}


def _hold_limits(steps: Sequence[Step]) -> None:
    if len(steps) > MAX_ACTIONS:
        raise ValueError(f"A transaction takes {MAX_ACTIONS} actions; this one has {len(steps)}.")
    keys = [step.item_key for step in steps]
    if len(set(keys)) < len(keys):
        raise ValueError("DynamoDB refuses two actions on one item: join them into one first.")
    size = sum(len(repr(step.parameters)) for step in steps)
    if size > MAX_BYTES:
        raise ValueError(f"A transaction takes {MAX_BYTES} bytes; this one has about {size}.")


def _step(
    verb: str, table: Table, row: type[Row], only_if: Condition | None, refused: Refusal | None, **parameters: Any
) -> Step:
    expressions = Expressions()
    made: dict[str, Any] = {"TableName": table.name, **parameters}
    if only_if is not None:
        made["ConditionExpression"] = expressions.condition(only_if)
        made["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return Step(verb, {**made, **expressions.parameters()}, row, refused)
