"""The items of the table `ratelimit`, as every capability may touch them: `B#*` updated, `POLICY#*` read."""

from typing import Any

from tessera import aws, outbox
from tessera.overrides import PolicyRow
from tessera.tables import key, read
from tessera.tallies import numbers_of

_AWAY = aws.THROTTLED | {"InternalServerError", "ServiceUnavailable"}
# The first call of a process also shakes hands, which says nothing of the table.
_CONNECT_SECONDS = 0.25
LIMITED = "limited#"
_KEPT_SECONDS = 3_600


class StoreAway(Exception):
    """The bucket cannot be charged now: no answer in time, throttled, or too many writes raced."""


class Buckets:
    """No retry and a short time limit: a limiter must not be what is slow."""

    def __init__(self, table: str, budget_ms: int) -> None:
        self.table, self._seconds = table, budget_ms / 1000

    def charge(self, bucket: str, name: str, update: dict[str, Any]) -> tuple[bool, dict[str, int]]:
        """Whether the condition held, and the numbers on the item then: the changed ones, or all. 1 write unit.

        Raises `StoreAway`.
        """
        parameters = {"Key": key(bucket, name), "ReturnValues": "UPDATED_NEW", **update}
        try:
            answer = self._call("update_item", ReturnValuesOnConditionCheckFailure="ALL_OLD", **parameters)
        except aws.ClientError as error:
            if aws.code_of(error) != "ConditionalCheckFailedException":
                raise
            item: Any = error.response.get("Item")
            return False, numbers_of(item or {})
        return True, numbers_of(answer["Attributes"])

    def tell(self, bucket: str, name: str, minute: int, event: outbox.Event) -> bool:
        """Leave this event beside the bucket, unless one of this minute is there. 1 write unit. Raises `StoreAway`."""
        update = {
            "ConditionExpression": "attribute_not_exists(told) OR told < :told",
            "UpdateExpression": "SET told = :told, #ttl = :ttl, #event_id = :event_id, #event = :event",
            "ExpressionAttributeNames": {"#ttl": "ttl", "#event_id": "event_id", "#event": "event"},
            "ExpressionAttributeValues": {
                ":told": {"N": str(minute)},
                ":ttl": {"N": str(minute * 60 + _KEPT_SECONDS)},
                **{f":{attribute}": value for attribute, value in outbox.attributes(event).items()},
            },
        }
        return self.charge(bucket, f"{LIMITED}{name}", update)[0]

    def override(self, name: str) -> PolicyRow | None:
        """Half a read unit. None also when the table does not answer, for then the defaults hold."""
        try:
            found = read(PolicyRow, self._call("get_item", Key=key(f"POLICY#{name}", "V")).get("Item"))
        except StoreAway:
            return None
        return None if found is None or found.gone else found

    def _call(self, operation: str, **parameters: Any) -> Any:
        once = {"mode": "standard", "total_max_attempts": 1}
        connect = max(self._seconds, _CONNECT_SECONDS)
        client = aws.client("dynamodb", connect_timeout=connect, read_timeout=self._seconds, retries=once)
        try:
            return getattr(client, operation)(TableName=self.table, **parameters)
        except aws.BotoCoreError as error:
            raise StoreAway(type(error).__name__) from error
        except aws.ClientError as error:
            if aws.code_of(error) in _AWAY:
                raise StoreAway(aws.code_of(error)) from error
            raise
