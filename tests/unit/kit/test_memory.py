"""The cloud in memory is as strict as moto is by itself."""

from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from moto.dynamodb.models.table import Table

from tessera import aws
from tests.kit import direct, queries
from tests.kit.memory import MAX_ITEM_BYTES


def put(table, sk, *, condition="attribute_not_exists(pk)", **attributes):
    item = {"pk": {"S": "p"}, "sk": {"S": sk}, **attributes}
    return {"Put": {"TableName": table.name, "Item": item, "ConditionExpression": condition}}


def update(table, sk):
    key = {"pk": {"S": "p"}, "sk": {"S": sk}}
    asked = {"TableName": table.name, "Key": key, "UpdateExpression": "ADD n :n"}
    return {"Update": {**asked, "ExpressionAttributeValues": {":n": {"N": "1"}}}}


def delete(table, sk):
    return {"Delete": {"TableName": table.name, "Key": {"pk": {"S": "p"}, "sk": {"S": sk}}}}


def write(*operations):
    aws.client("dynamodb").transact_write_items(TransactItems=list(operations))


def rows(table):
    found = aws.client("dynamodb").scan(TableName=table.name, ConsistentRead=True)["Items"]
    return sorted((item["sk"]["S"], item.get("n", {}).get("N")) for item in found)


def test_a_refused_transaction_leaves_everything_as_it_was(table_of):
    table = table_of("Tasks")
    write(put(table, "kept", n={"N": "1"}), put(table, "gone", n={"N": "2"}), put(table, "taken"))

    with pytest.raises(aws.ClientError) as refused:
        write(put(table, "new"), update(table, "kept"), delete(table, "gone"), put(table, "taken"))

    assert [reason["Code"] for reason in refused.value.response["CancellationReasons"]] == [
        *("None", "None", "None"),
        "ConditionalCheckFailed",
    ]
    assert rows(table) == [("gone", "2"), ("kept", "1"), ("taken", None)]


def test_what_others_wrote_before_a_refusal_stays(table_of):
    """A table that is put back as a whole would lose what other threads wrote to it."""
    table = table_of("Tasks")
    write(put(table, "taken"))

    def attempt(number):
        if number % 2:
            write(update(table, f"{number}"))
        else:
            with pytest.raises(aws.ClientError):
                write(update(table, f"{number}"), put(table, "taken"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(40)))

    assert rows(table) == sorted([(f"{number}", "1") for number in range(1, 40, 2)] + [("taken", None)])


def test_one_item_may_be_named_once(table_of):
    table = table_of("Tasks")
    write(put(table, "a", n={"N": "1"}))

    with pytest.raises(aws.ClientError, match="multiple operations on one item"):
        write(update(table, "a"), delete(table, "a"))

    assert rows(table) == [("a", "1")]


@pytest.mark.parametrize("wrong", [{}, {"pk": {"S": "p"}}])
def test_a_key_that_is_not_one_is_refused(table_of, wrong):
    table = table_of("Tasks")

    with pytest.raises(aws.ClientError):
        write(put(table, "a"), {"Delete": {"TableName": table.name, "Key": wrong}})

    assert rows(table) == []


@pytest.mark.parametrize(("size", "fits"), [(MAX_ITEM_BYTES - 100, True), (MAX_ITEM_BYTES + 1, False)])
def test_an_item_that_is_too_large_is_refused(table_of, size, fits):
    table, half = table_of("Tasks"), {"S": "x" * (size // 2)}
    item = {"pk": {"S": "p"}, "sk": {"S": "a"}, "one": half, "two": half}

    if fits:
        aws.client("dynamodb").put_item(TableName=table.name, Item=item)
    else:
        with pytest.raises(aws.ClientError, match="size"):
            aws.client("dynamodb").put_item(TableName=table.name, Item=item)

    assert len(rows(table)) == fits


def refusals(table):
    """What DynamoDB's client says of a condition that fails: alone, and in a transaction."""
    client, item = aws.client("dynamodb"), {"pk": {"S": "p"}, "sk": {"S": "taken"}, "data": {"B": b"\0\1"}}
    client.put_item(TableName=table.name, Item=item)
    single = {**put(table, "taken")["Put"], "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    told = []
    for ask in (lambda: client.put_item(**single), lambda: write(put(table, "new"), {"Put": single})):
        with pytest.raises(aws.ClientError) as refused:
            ask()
        response = {key: value for key, value in refused.value.response.items() if key != "ResponseMetadata"}
        told.append((type(refused.value).__name__, str(refused.value), response))
    return told


def test_a_refusal_is_told_in_the_same_words_on_the_short_way_and_on_the_long_one(table_of, monkeypatch):
    short = refusals(table_of("Tasks"))
    monkeypatch.setattr(direct, "METHODS", {})

    assert refusals(table_of("Tasks")) == short


def test_answers_are_the_same_on_the_short_way_and_on_the_long_one(table_of, monkeypatch):
    table, client = table_of("Tasks"), aws.client("dynamodb")
    values = {"b": {"B": b"\0\xff"}, "m": {"M": {"l": {"L": [{"N": "1"}, {"NULL": True}]}}}, "s": {"SS": ["a", "b"]}}
    write(put(table, "one", **values), put(table, "two", n={"N": "2"}))
    key = {"pk": {"S": "p"}, "sk": {"S": "one"}}

    def asked():
        named = {"TableName": table.name, "ReturnConsumedCapacity": "TOTAL"}
        answers = [
            client.get_item(**named, Key=key, ConsistentRead=True),
            client.get_item(**named, Key={**key, "sk": {"S": "none"}}),
            client.query(**named, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "p"}}),
            client.scan(**named, Limit=1),
            client.batch_get_item(RequestItems={table.name: {"Keys": [key]}}),
            client.update_item(**update(table, "two")["Update"], ReturnValues="UPDATED_NEW"),
            client.put_item(**named, Item={**key, "n": {"N": "1"}}, ReturnValues="ALL_OLD"),
            client.put_item(**named, Item={**key, **values}),
            client.update_item(**update(table, "two")["Update"] | {"ExpressionAttributeValues": {":n": {"N": "-1"}}}),
        ]
        return [{name: value for name, value in one.items() if name != "ResponseMetadata"} for one in answers]

    short = asked()
    monkeypatch.setattr(direct, "METHODS", {})

    assert asked() == short


@pytest.mark.parametrize("forward", [True, False])
def test_a_query_finds_what_moto_finds_by_itself(table_of, forward):
    """With what is asked for in the table, in an index, and page by page."""
    table = table_of("Tasks")
    for number in range(30):
        place = {"pk": {"S": f"p{number % 3}"}, "sk": {"S": f"s{number * 7 % 30:02}"}}
        listed = {"gs1_pk": {"S": f"g{number % 2}"}, "gs1_sk": {"S": f"{number // 10}"}}
        aws.client("dynamodb").put_item(TableName=table.name, Item={**place, **(listed if number % 5 else {})})
    asked = {"TableName": table.name, "ScanIndexForward": forward, "Limit": 4}
    partition = {"KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": {":v": {"S": "p1"}}}
    rest = {"KeyConditionExpression": "pk = :v AND sk > :s"}
    rest["ExpressionAttributeValues"] = {":v": {"S": "p1"}, ":s": {"S": "s11"}}
    index = {"IndexName": "gs1", "KeyConditionExpression": "gs1_pk = :v", "Limit": 3}
    index["ExpressionAttributeValues"] = {":v": {"S": "g1"}}
    nothing = {**partition, "ExpressionAttributeValues": {":v": {"S": "nobody"}}}

    for query in (partition, rest, index, nothing):
        light = pages({**asked, **query})
        with patch.object(Table, "all_items", queries.all_items):
            assert light == pages({**asked, **query})
        assert light[0]["items"] or query is nothing


def pages(query):
    found = []
    while True:
        answer = aws.client("dynamodb").query(**query, **({"ExclusiveStartKey": found[-1]["at"]} if found else {}))
        found.append({"items": answer["Items"], "at": answer.get("LastEvaluatedKey")})
        if found[-1]["at"] is None:
            return found
