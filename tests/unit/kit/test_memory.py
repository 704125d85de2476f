"""The cloud in memory is as strict as moto is by itself."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tessera import aws
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
