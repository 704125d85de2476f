"""Calls about items go from botocore's end of the wire to moto's handler, without the HTTP in between.

Most of what a unit test does is such calls, and most of a call was the way there and back. The request is still made
and checked by botocore, read as moto reads it, and answered by moto; an error that is no condition's goes the long way.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import HeadersDict
from botocore.endpoint import Endpoint
from botocore.model import OperationModel
from botocore.parsers import create_parser
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import HTTPException, ServiceException
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.utils import get_service_model
from moto.dynamodb.exceptions import ConditionalCheckFailed, TransactionCanceledException
from moto.dynamodb.responses import DynamoHandler

METHODS = {
    "CreateTable": DynamoHandler.create_table,
    "GetItem": DynamoHandler.get_item,
    "PutItem": DynamoHandler.put_item,
    "UpdateItem": DynamoHandler.update_item,
    "DeleteItem": DynamoHandler.delete_item,
    "Query": DynamoHandler.query,
    "Scan": DynamoHandler.scan,
    "BatchGetItem": DynamoHandler.batch_get_item,
    "BatchWriteItem": DynamoHandler.batch_write_item,
    "TransactGetItems": DynamoHandler.transact_get_items,
    "TransactWriteItems": DynamoHandler.transact_write_items,
}


@dataclass(frozen=True)
class Answered:
    """All of an HTTP answer that botocore looks at once it is parsed."""

    status_code: int


@contextmanager
def direct_items(lock: AbstractContextManager[Any]) -> Iterator[None]:
    """`lock` is held while moto answers."""
    ask = Endpoint.make_request

    def asked(endpoint: Endpoint, operation: OperationModel, request: dict[str, Any]) -> Any:
        method = METHODS.get(operation.name) if operation.service_model.service_name == "dynamodb" else None
        if method is None:
            return ask(endpoint, operation, request)
        with lock:
            try:
                result = method(_handler(operation, request))
            except (ConditionalCheckFailed, TransactionCanceledException) as refused:
                return Answered(int(refused.code)), _refusal(operation, refused)
            except (ServiceException, HTTPException):
                # It has changed nothing, so that asking again is refused in the same way.
                return ask(endpoint, operation, request)
        return Answered(200), {**_without_nothing(result.result), "ResponseMetadata": _metadata(200)}

    with patch.object(Endpoint, "make_request", asked):
        yield


def _handler(operation: OperationModel, request: dict[str, Any]) -> DynamoHandler:
    """As moto would have made it of the request."""
    handler = DynamoHandler()
    handler.body = handler.params = _parser(operation.name).parse({"body": request["body"]})
    handler.region, handler.current_account = request["context"]["client_region"], DEFAULT_ACCOUNT_ID
    return handler


def _refusal(operation: OperationModel, refused: HTTPException) -> dict[str, Any]:
    """As botocore reads it: the error as for every error, then what the model says that this one tells."""
    answer = {"status_code": refused.code, "headers": HeadersDict(), "body": refused.description.encode()}
    parser = create_parser("json")
    told: dict[str, Any] = parser.parse(answer, operation.output_shape)
    told |= parser.parse(answer, operation.service_model.shape_for_error_code(told["Error"]["Code"]))
    return {**told, "ResponseMetadata": _metadata(refused.code)}


def _metadata(status_code: int) -> dict[str, Any]:
    return {"HTTPStatusCode": status_code, "HTTPHeaders": {}, "RetryAttempts": 0}


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nothing(one) for name, one in value.items() if one is not None}
    return [_without_nothing(one) for one in value] if isinstance(value, list) else value


@cache
def _parser(operation: str) -> Any:
    model = get_service_model("dynamodb").operation_model(operation)
    return PROTOCOL_PARSERS["json"](model, map_type=DynamoHandler.PROTOCOL_PARSER_MAP_TYPE)
