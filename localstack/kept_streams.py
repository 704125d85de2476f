"""What the emulator leaves out when it saves its state: the changes of tables that no function has been given yet.

It keeps how far each function had come, counted from the stream's beginning, but not the stream. After a restart a
function would wait until its table has had as many changes again, and what it had not been given is lost.
"""

import copy
import sys
from typing import Any

from ministack.core import arn
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb, lambda_svc

RECORDS, POSITIONS = "dynamodb_stream_records", "dynamodb_stream_positions"
# Account, region and name.
Table = tuple[str, str, str]


def with_the_functions() -> None:
    """Both are in one file: that of the functions, which have the positions."""
    save, restore = lambda_svc.get_state, lambda_svc.load_persisted_state

    def saved() -> dict[str, Any]:
        return {**save(), **_unread()}

    def restored(state: dict[str, Any]) -> None:
        records = state.pop(RECORDS, None)
        if records is None:
            # Positions in streams that nobody has kept.
            state.pop(POSITIONS, None)
        else:
            dynamodb._stream_records.update(records)
        restore(state)

    lambda_svc.get_state, lambda_svc.load_persisted_state = saved, restored


def _unread() -> dict[str, AccountRegionScopedDict]:
    """Of each table what its slowest reader has not been given, and where each of them is in that."""
    read = {(table, mapping): _position(table, mapping) for table, mapping in _readers()}
    begin: dict[Table, int] = {}
    for (table, _), position in read.items():
        begin[table] = min(position, begin.get(table, position))
    records, positions = AccountRegionScopedDict(), AccountRegionScopedDict()
    for (account, region, name), first in begin.items():
        found = dynamodb.stream_records_since(name, first, sys.maxsize, account_id=account, region=region)
        records.set_scoped(account, region, name, copy.deepcopy(found))
    for (table, mapping), position in read.items():
        positions.set_scoped(*table[:2], mapping, position - begin[table])
    return {RECORDS: records, POSITIONS: positions}


def _readers() -> list[tuple[Table, str]]:
    found = []
    for account, region, mapping in lambda_svc._iter_all_esms():
        source = arn.parse_arn(mapping["EventSourceArn"])
        named = lambda_svc._dynamodb_stream_table_from_arn_spec(source) if source.service == "dynamodb" else None
        if named is not None:
            found.append(((account, region, named[0]), mapping["UUID"]))
    return found


def _position(table: Table, mapping: str) -> int:
    account, region, name = table
    oldest: int = dynamodb.stream_start_position(name, account_id=account, region=region)
    reached: int = lambda_svc._dynamodb_stream_positions.get_scoped(account, region, mapping, oldest)
    return max(oldest, reached)
