"""AWS in memory: moto, which answers one call at a time and undoes what it refuses without copying whole tables."""

import copy
import threading
from collections import deque
from collections.abc import Container, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache, partial
from typing import Any
from unittest.mock import patch

from botocore.loaders import create_loader
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.serialize import AttributePickerContext, XFormedAttributePicker
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Expression, Node, UpdateExpressionFunction
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.sqs.models import SQSBackend

from tessera import aws
from tests.kit.direct import direct_items
from tests.kit.queries import light_queries

# Where moto draws the line for an item.
MAX_ITEM_BYTES = 405_000


@contextmanager
def cloud_in_memory() -> Iterator[None]:
    lock = threading.RLock()
    with ExitStack() as inside:
        inside.enter_context(mock_aws())
        inside.enter_context(_one_call_at_a_time(lock))
        inside.enter_context(direct_items(lock))
        for part in (
            _light_transactions,
            _light_items,
            _light_updates,
            _light_expressions,
            light_queries,
            _light_queues,
            _light_answers,
            _light_sessions,
            _checked_parameters,
        ):
            inside.enter_context(part())
        yield


# What botocore knows of a service, read once: each test makes its clients anew, and reading took a quarter of its time.
_loader = cache(create_loader)


@contextmanager
def _light_sessions() -> Iterator[None]:
    with patch("botocore.session.create_loader", _loader):
        yield


@contextmanager
def _checked_parameters() -> Iterator[None]:
    """moto takes what AWS would not, so botocore looks at it first; in production it is AWS that looks."""
    with patch.dict(aws._CONFIG, parameter_validation=True):
        yield


@contextmanager
def _one_call_at_a_time(lock: AbstractContextManager[Any]) -> Iterator[None]:
    """As DynamoDB's items do. Threads still interleave between calls, which is where our own races are."""
    answer = BotocoreStubber.process_request

    def locked(stubber: BotocoreStubber, request: Any) -> Any:
        with lock:
            return answer(stubber, request)

    with patch.object(BotocoreStubber, "process_request", locked):
        yield


@contextmanager
def _light_transactions() -> Iterator[None]:
    """moto copies the whole table once for each item of a transaction, to put it back when one condition fails."""
    write = DynamoDBBackend.transact_write_items

    def written(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        before = [_Held(backend, operation) for entry in transact_items for operation in entry.values()]
        try:
            write(backend, transact_items)
        except Exception:
            # Whatever it was refused for, it has changed nothing.
            for held in reversed(before):
                held.put_back()
            raise

    with (
        patch.object(DynamoDBBackend, "transact_write_items", written),
        patch.object(Table, "__deepcopy__", lambda table, memo: table, create=True),
    ):
        yield


class _Held:
    """The item that one operation is about, and where the table's stream stood before it."""

    def __init__(self, backend: DynamoDBBackend, operation: dict[str, Any]) -> None:
        self._table = backend.tables.get(operation.get("TableName", ""))
        key = operation.get("Key") or operation.get("Item") or {}
        names = self._table.table_key_attrs if self._table else []
        if self._table is None or not set(names) <= key.keys():
            # moto will say what is wrong with it.
            self._table = None
            return
        self._place = tuple(DynamoType(key[name]) for name in names)
        self._item = copy.deepcopy(self._table.get_item(*self._place))  # type: ignore[arg-type]
        self._streamed = len(self._table.stream_shard.items) if self._table.stream_shard else 0

    def put_back(self) -> None:
        table = self._table
        if table is None:
            return
        *outer, last = self._place
        items: Any = table.items[outer[0]] if outer else table.items
        if self._item is not None:
            items[last] = self._item
        else:
            items.pop(last, None)
        if table.stream_shard:
            del table.stream_shard.items[self._streamed :]


@contextmanager
def _light_items() -> Iterator[None]:
    """moto adds up all of an item anew for each of its attributes; once at the end says the same."""

    def made(item: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: dict[str, Any]) -> None:
        item.hash_key, item.range_key = hash_key, range_key
        item.attrs = LimitedSizeDict()
        for name, value in attrs.items():
            dict.__setitem__(item.attrs, name, DynamoType(value))
        if item.size() > MAX_ITEM_BYTES:
            raise ItemSizeTooLarge

    with patch.object(Item, "__init__", made):
        yield


@contextmanager
def _light_updates() -> Iterator[None]:
    """moto asks ten times of every part of an expression whether it is one of its classes, which are abstract."""
    handled: dict[tuple[type, type], bool] = {}

    def traversed(traverser: DepthFirstTraverser, node: Any, child_id: int = -1) -> Any:
        kind = type(node)
        if not _is_node(kind):
            return node
        parent = node.parent
        for place, child in enumerate(node.children or ()):
            traverser.pre_processing_of_child(node, place)
            traverser.traverse_node_recursively(child, place)
        pair = (type(traverser), kind)
        if pair not in handled:
            handled[pair] = issubclass(kind, traverser.nodes_to_be_processed())
        if handled[pair]:
            node = traverser.process(node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
        return node

    def clauses(node: Node, kinds: Container[type]) -> list[Node]:
        found: list[Node] = []
        for child in node.children or ():
            if type(child) in kinds:
                found.append(child)
            elif _may_hold_clauses(type(child)):
                found.extend(clauses(child, kinds))
        return found

    with (
        patch.object(DepthFirstTraverser, "traverse_node_recursively", traversed),
        patch.object(Node, "find_clauses", clauses),
    ):
        yield


@contextmanager
def _light_expressions() -> Iterator[None]:
    """moto takes the same few expressions apart again and again, and copies the outcome attribute by attribute.

    It works on copies alone, so that what it has once taken apart stays as it is.
    """
    taken_apart = cache(UpdateExpressionParser.make.__func__)  # type: ignore[attr-defined]
    read = ConditionExpressionParser._lex_condition_expression
    words = cache(lambda condition: tuple(read(ConditionExpressionParser(condition, None, None))))
    with (
        patch.object(UpdateExpressionParser, "make", partial(taken_apart, UpdateExpressionParser)),
        patch.object(
            ConditionExpressionParser,
            "_lex_condition_expression",
            lambda parser: deque(words(parser.condition_expression)),
        ),
        patch.object(Node, "__deepcopy__", _copied, create=True),
    ):
        yield


def _copied(node: Node, memo: object) -> Node:
    made: Any = object.__new__(type(node))
    made.__dict__.update(node.__dict__)
    made.parent = None
    if node.children is not None:
        made.children = [_copied(child, memo) if isinstance(child, Node) else child for child in node.children]
        for child in made.children:
            if isinstance(child, Node):
                child.parent = made
    return made


@cache
def _is_node(kind: type) -> bool:
    return issubclass(kind, Node)


@cache
def _may_hold_clauses(kind: type) -> bool:
    return issubclass(kind, (Expression, UpdateExpressionFunction))


@contextmanager
def _light_queues() -> Iterator[None]:
    """moto counts a queue's messages anew for each that is sent, only to see whether it knows them by their content."""
    send = SQSBackend.send_message

    def sent(backend: SQSBackend, queue_name: str, *given: Any, **named: Any) -> Any:
        queue = backend.get_queue(queue_name)
        # Of all attributes, this is the one that is asked for.
        asked = {"ContentBasedDeduplication": str(getattr(queue, "content_based_deduplication", False)).lower()}
        with patch.object(type(queue), "attributes", asked):
            return send(backend, queue_name, *given, **named)

    with patch.object(SQSBackend, "send_message", sent):
        yield


@contextmanager
def _light_answers() -> Iterator[None]:
    """moto thinks anew of every name that a field of an answer could have; for one kind of answer they are the same."""
    known: dict[tuple[object, ...], tuple[str, ...]] = {}
    pick = XFormedAttributePicker.__call__

    def picked(picker: XFormedAttributePicker, context: AttributePickerContext) -> Any:
        obj, shape = context.obj, context.shape
        if type(obj) is not dict or picker.response_transformers or context.service_model is None:
            return pick(picker, context)
        parent = getattr(shape, "parent", None)
        service, within = context.service_model.service_name, parent.name if parent else ""
        place = (service, within, context.key, shape.name, shape.serialization.get("name"))
        if place not in known:
            known[place] = tuple(picker.get_possible_keys(context))
        return next((obj[name] for name in known[place] if name in obj), None)

    with patch.object(XFormedAttributePicker, "__call__", picked):
        yield
