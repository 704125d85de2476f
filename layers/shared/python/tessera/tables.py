"""DynamoDB tables: rows declared with PynamoDB's attributes, written only through `Table`.

Rows are attribute containers, not models, because a row that could save itself could forget its
event. PynamoDB also hides the old item of a failed condition, which is what our answers need.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pynamodb.attributes import AttributeContainer, AttributeContainerMeta, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action as Change

from tessera import aws, clock, outbox
from tessera.backoff import Backoff
from tessera.etags import StaleVersion
from tessera.expressions import Expressions, update_parameters
from tessera.problems import Busy, NotFound

Item = dict[str, dict[str, Any]]
Key = dict[str, str]
UNREAD_TRIES = 4
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.010, 0.080


class Row(AttributeContainer, metaclass=AttributeContainerMeta):
    """What every item has. Subclasses add their own attributes."""

    pk = UnicodeAttribute()
    sk = UnicodeAttribute()
    version = NumberAttribute(default=1)
    ttl = NumberAttribute(null=True)
    # The hash of the request that made the item: how a replay is told from another request.
    made_by = UnicodeAttribute(null=True)
    # Set when the item stands for something deleted, for as long as a replay may ask for it.
    gone = NumberAttribute(null=True)

    if TYPE_CHECKING:
        # PynamoDB's own types ask for attributes where their values are meant.
        def __init__(self, **values: Any) -> None: ...


R = TypeVar("R", bound=Row)


class ConditionFailed(Exception):
    """The condition of a write did not hold. `old` is the item as it stands, or None."""

    def __init__(self, old: Any = None) -> None:
        super().__init__("The condition of the write did not hold.")
        self.old = old


@dataclass(frozen=True)
class Page(Generic[R]):
    """Some rows, and the key after which the next page starts, or None at the end."""

    rows: list[R]
    next: Key | None


def read(row: type[R], item: Item | None) -> R | None:
    """The item as a row, or None when there is none or its time has run out.

    DynamoDB deletes expired items hours or days late, so readers look at `ttl` themselves.
    """
    if not item:
        return None
    made = row()
    made.from_dynamodb_dict(dict(item))
    ttl = made.ttl
    return None if ttl is not None and ttl <= clock.now().timestamp() else made


def _present(made: R | None) -> R | None:
    """What readers see: nothing where only the trace of a deletion stands."""
    return None if made is None or made.gone else made


class Table:
    """One table. Every method says what it costs; none scans."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get(self, row: type[R], pk: str, sk: str, *, consistent: bool = True) -> R | None:
        """One item: 1 request, 1 read unit per 4 KB, half of it when not consistent."""
        answer = self._call("get_item", Key=key(pk, sk), ConsistentRead=consistent)
        return _present(read(row, answer.get("Item")))

    def get_many(self, row: type[R], keys: Sequence[tuple[str, str]], *, consistent: bool = False) -> list[R]:
        """The items that exist, in the order of the keys: 1 request per 100 keys.

        Raises `Busy` when the table leaves some of them unread for the fifth time.
        """
        found: dict[tuple[str, str], R] = {}
        wanted, unread = list(dict.fromkeys(keys)), 0
        backoff = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        while wanted:
            batch, wanted = wanted[:100], wanted[100:]
            request = {"Keys": [key(pk, sk) for pk, sk in batch], "ConsistentRead": consistent}
            answer = self._call("batch_get_item", named=False, RequestItems={self.name: request})
            for item in answer["Responses"].get(self.name, []):
                made = _present(read(row, item))
                if made:
                    found[made.pk, made.sk] = made
            rest = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
            wanted += [(entry["pk"]["S"], entry["sk"]["S"]) for entry in rest]
            if rest:
                unread += 1
                if unread > UNREAD_TRIES:
                    raise Busy()
                backoff.wait()
        return [found[wanted_key] for wanted_key in dict.fromkeys(keys) if wanted_key in found]

    def put(self, row: Row, *, only_if: Condition | None = None, event: outbox.Event | None = None) -> None:
        """Write the whole item. 1 write unit per KB. Raises `ConditionFailed` with the item in the way."""
        self._write("put_item", type(row), only_if, Item=item_of(row, event))

    def update(
        self,
        row: type[R],
        pk: str,
        sk: str,
        *changes: Change,
        only_if: Condition | None = None,
        expect: int | None = None,
        event: outbox.Event | None = None,
        upsert: bool = False,
        bump: bool = True,
    ) -> R:
        """Change one item and return it as it is now. 1 write unit per KB.

        With `expect` the item must be there in that version: raises `NotFound` or `StaleVersion`.
        Otherwise raises `ConditionFailed` with the item as it stands. Unless `upsert`, an item that
        is not there is never made. `bump=False` leaves the version alone, for counters.
        """
        parameters = update_parameters(changes, only_if=only_if, expect=expect, event=event, upsert=upsert, bump=bump)
        try:
            answer = self._conditional(row, "update_item", Key=key(pk, sk), ReturnValues="ALL_NEW", **parameters)
        except ConditionFailed as failed:
            raise refusal_of(failed, expect) from None
        made = row()
        made.from_dynamodb_dict(answer["Attributes"])
        return made

    def delete(self, row: type[R], pk: str, sk: str, *, only_if: Condition | None = None) -> R | None:
        """Delete one item and return it. 1 write unit per KB. Raises `ConditionFailed`."""
        answer = self._write("delete_item", row, only_if, Key=key(pk, sk), ReturnValues="ALL_OLD")
        return read(row, answer.get("Attributes"))

    def query(
        self,
        row: type[R],
        pk: str,
        *,
        sort: Condition | None = None,
        index: str = "",
        limit: int = 100,
        after: Key | None = None,
        newest_first: bool = False,
        consistent: bool = False,
        only: Condition | None = None,
    ) -> Page[R]:
        """One page of a partition: 1 request, whatever the size of the table."""
        expressions = Expressions()
        condition = Path(f"{index}_pk" if index else "pk") == pk
        parameters: dict[str, Any] = {
            "KeyConditionExpression": expressions.condition(condition & sort if sort is not None else condition),
            "Limit": limit,
            "ScanIndexForward": not newest_first,
        }
        if only is not None:
            parameters["FilterExpression"] = expressions.condition(only)
        if index:
            parameters["IndexName"] = index
        else:
            parameters["ConsistentRead"] = consistent
        if after:
            parameters["ExclusiveStartKey"] = {name: {"S": value} for name, value in after.items()}
        answer = self._call("query", **parameters, **expressions.parameters())
        last = answer.get("LastEvaluatedKey")
        rows = [made for made in (_present(read(row, item)) for item in answer["Items"]) if made]
        return Page(rows, {name: str(value["S"]) for name, value in last.items()} if last else None)

    def query_all(self, row: type[R], pk: str, **options: Any) -> Iterator[R]:
        """Every item of a partition, page by page: for bounded partitions and for jobs."""
        after: Key | None = None
        while True:
            page = self.query(row, pk, after=after, **options)
            yield from page.rows
            after = page.next
            if after is None:
                return

    def _write(self, call: str, row: type[Row], only_if: Condition | None, **parameters: Any) -> Any:
        expressions = Expressions()
        if only_if is not None:
            parameters["ConditionExpression"] = expressions.condition(only_if)
        return self._conditional(row, call, **parameters, **expressions.parameters())

    def _conditional(self, row: type[Row], call: str, **parameters: Any) -> Any:
        try:
            return self._call(call, ReturnValuesOnConditionCheckFailure="ALL_OLD", **parameters)
        except aws.ClientError as error:
            if aws.code_of(error) != "ConditionalCheckFailedException":
                raise
            raise ConditionFailed(read(row, error.response.get("Item"))) from None

    def _call(self, call: str, *, named: bool = True, **parameters: Any) -> Any:
        if named:
            parameters["TableName"] = self.name
        try:
            return getattr(aws.client("dynamodb"), call)(**parameters)
        except aws.ClientError as error:
            if aws.code_of(error) in aws.THROTTLED or aws.code_of(error) == "TransactionConflictException":
                raise Busy() from error
            raise


def key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def item_of(row: Row, event: outbox.Event | None) -> Item:
    """The row in DynamoDB's notation, with its event or with none."""
    item = row.to_dynamodb_dict()
    return {**item, **(outbox.attributes(event) if event is not None else {})}


def refusal_of(failed: ConditionFailed, expect: int | None) -> Exception:
    """What a failed condition means to a caller who named the version they had read."""
    if expect is None:
        return failed
    if failed.old is None or failed.old.gone:
        return NotFound()
    if failed.old.version != expect:
        return StaleVersion(f"You read version {expect}; it is at {failed.old.version} now. Read it again.")
    return failed
