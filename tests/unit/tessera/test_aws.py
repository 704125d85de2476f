import botocore.session

from tessera import aws
from tests.kit.races import together


def test_who_asks_at_once_shares_one_client(monkeypatch):
    """A client takes tens of milliseconds to make: a process with many threads would stand still."""
    made, create = [], botocore.session.Session.create_client

    def counting(session, *given, **named):
        made.append(given)
        return create(session, *given, **named)

    monkeypatch.setattr(botocore.session.Session, "create_client", counting)

    results = together(lambda: aws.client("dynamodb", endpoint="http://one.test"), times=20)
    clients = {id(result.value) for result in results}

    assert len(clients) == len(made) == 1
