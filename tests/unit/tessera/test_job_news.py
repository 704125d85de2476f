import json
from datetime import timedelta

import pytest

from tessera import aws, clock
from tessera.fanout import Fanout
from tessera.job_news import JobNews
from tessera.live import Live
from tessera.problems import Busy
from tessera.seqlog import SeqLog
from tessera.transact import transact
from tests.kit.logs import logged
from tests.kit.stores import everything_in


@pytest.fixture
def log(table_of):
    return SeqLog(table_of("Realtime"))


@pytest.fixture
def news(log):
    return JobNews(Live("media", log, Fanout([], "")))


def granted(log):
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in everything_in(log.table)}


def test_what_is_said_of_a_job_stands_on_its_topic(news, log):
    news.publish("j1", {"state": "running"})

    assert [json.loads(entry.data) for entry in log.read("job:j1", 0, 10)] == [{"state": "running"}]


def test_each_listener_is_let_in_once_for_two_days(news, log, frozen):
    transact(*news.opening("j1", ["ann", "bob", "ann"]))
    news.open("j1", "cat")

    rows = granted(log)
    assert sorted(user_id for _, user_id in rows) == ["ann", "bob", "cat"]
    ends = int((clock.now() + timedelta(hours=48)).timestamp())
    assert {(topic, int(row["ttl"]["N"])) for (topic, _), row in rows.items()} == {("GRANT#job:j1", ends)}


def test_without_a_hub_nothing_is_told_and_nothing_fails():
    quiet = JobNews(None)

    quiet.open("j1", "ann")
    quiet.publish("j1", {"state": "running"})

    assert quiet.opening("j1", ["ann"]) == []


@pytest.mark.parametrize(
    "away",
    [Busy(), aws.ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "TransactWriteItems")],
    ids=["busy", "failing"],
)
def test_a_hub_that_does_not_take_it_is_noted_and_holds_nothing_up(news, monkeypatch, away):
    def refused(*_, **__):
        raise away

    monkeypatch.setattr(SeqLog, "append", refused)

    with logged() as written:
        news.publish("j1", {"state": "running"})

    line = json.loads(written())
    assert (line["message"], line["outcome"], line["cause"]) == ("progress", "not-told", type(away).__name__)
