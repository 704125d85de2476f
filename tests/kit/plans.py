"""A plan whose limits nobody meets, for tests that ask more of one person than any person asks.

Limits are tried where they are meant; elsewhere who waits for them only waits.
"""

import os

from tests.kit.people import People, Person
from tests.kit.workers import client

PLAN = "unmetered"


def unmetered(people: People, person: Person) -> None:
    """From their next sign-in on. Where the stack's tables are out of reach, they go on waiting for their limits."""
    stack = os.environ.get("STACK")
    if not stack or not os.environ.get("AWS_ENDPOINT_URL"):
        return
    for rate_class in ("read", "write", "expensive"):
        policy = {"windows": [{"limit": 100_000, "period_s": 60, "burst": 100_000}]}
        # Once is enough, and who comes second is told that they have not seen the first.
        answer = people.admin().put(f"/ratelimit/policies/{PLAN}:{rate_class}", json=policy)
        assert answer.status_code in (201, 412, 428), answer.text
    # Plans come with what is sold, and so far nothing is: no route sets one.
    client("dynamodb").update_item(
        TableName=f"{stack}-accounts",
        Key={"pk": {"S": f"U#{person.id}"}, "sk": {"S": "MAIN"}},
        UpdateExpression="SET #plan = :plan",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeNames={"#plan": "plan"},
        ExpressionAttributeValues={":plan": {"S": PLAN}},
    )
