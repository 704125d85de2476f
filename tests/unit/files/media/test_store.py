"""The store: what two who write at once may do, and what they are told. No file is read here."""

from dataclasses import replace

import pytest

from functions.files.media.rules.codes import Code
from functions.files.media.rules.jobs import CANCELLED, DONE, FAILED, QUEUED, RUNNING, Job, Outcome, Seen
from functions.files.media.rules.metas import Meta
from functions.files.media.rules.outputs import Format, Spec, normal
from functions.files.media.store.jobs import JobStore, Moved, Taken
from functions.files.media.store.metas import MetaStore, PresetStore
from functions.files.media.store.settling import LeaseLost, Settling
from tessera import clock, ids
from tessera.etags import StaleVersion, VersionRequired
from tessera.idempotency import Intent
from tests.kit.races import outcomes, together

ONE, TWO, THREE = (normal(Spec(side, side, Format.PNG)) for side in (10, 20, 30))


@pytest.fixture
def table(table_of):
    return table_of("Media")


@pytest.fixture
def jobs(table, frozen):
    return JobStore(table)


@pytest.fixture
def settling(jobs):
    return Settling(jobs)


@pytest.fixture
def metas(table, frozen):
    return MetaStore(table)


def new(**fields):
    now = clock.now()
    given = {"owner_id": "o", "file_id": ids.new(), "n": 1, "etag": "e1", "specs": (ONE, TWO, THREE), **fields}
    return Job(id=ids.new(), created_at=now, updated_at=now, **given)


@pytest.fixture
def job(jobs):
    made = new()
    return jobs.create(made, Intent(made.id, "test"))[0]


@pytest.fixture
def begun(jobs, settling, job):
    """A job that a worker, `w`, has begun with all of its outputs."""
    for spec in job.specs:
        assert settling.claim(job, spec, "w")
    return jobs.begin(job)


def done(spec):
    return Outcome(spec, None, "key", 1, 1, 1)


def state(jobs, job):
    return jobs.find(job.id).state


def test_a_second_job_of_the_same_outputs_is_refused_with_the_first(jobs, job):
    second = replace(job, id=ids.new())

    with pytest.raises(Taken) as taken:
        jobs.create(second, Intent(second.id, "test"))

    assert taken.value.job_id == job.id and jobs.find(second.id) is None


def test_of_many_who_claim_an_output_one_has_it(settling, job):
    results = together(lambda: settling.claim(job, ONE, ids.new()), times=10)

    assert [result.value for result in results].count(True) == 1


def test_a_lease_runs_out_unless_it_is_kept(settling, job, frozen):
    assert settling.claim(job, ONE, "a") and settling.claim(job, TWO, "a")
    frozen.advance(seconds=90)
    settling.keep(job, ONE, "a")
    frozen.advance(seconds=60)

    assert not settling.claim(job, ONE, "b")
    assert settling.claim(job, TWO, "b")
    with pytest.raises(LeaseLost):
        settling.keep(job, TWO, "a")


def test_what_is_let_go_of_may_be_had_and_what_is_anothers_is_not_let_go_of(settling, job):
    settling.claim(job, ONE, "a")
    settling.release(job, ONE, "b")
    assert not settling.claim(job, ONE, "b")

    settling.release(job, ONE, "a")

    assert settling.claim(job, ONE, "b")


def test_what_is_settled_is_not_claimed_again(settling, begun, frozen):
    settling.settle(begun, [done(ONE)], "w", Seen())
    frozen.advance(hours=1)

    assert not settling.claim(begun, ONE, "x")


def test_an_output_is_settled_by_who_has_it_and_once(jobs, settling, begun, frozen):
    settling.settle(begun, [done(ONE)], "w", Seen())
    with pytest.raises(LeaseLost):
        settling.settle(begun, [done(ONE)], "w", Seen())
    frozen.advance(minutes=3)
    assert settling.claim(begun, TWO, "x")
    with pytest.raises(LeaseLost):
        settling.settle(begun, [done(TWO)], "w", Seen())

    assert jobs.find(begun.id).done == 1


@pytest.mark.parametrize("codes", [(None, None), (Code.CORRUPT, Code.CORRUPT), (None, Code.CORRUPT)], ids=str)
def test_two_who_settle_from_the_same_reading_are_both_counted(jobs, settling, begun, codes):
    for spec, code in zip((ONE, TWO), codes, strict=True):
        settling.settle(begun, [Outcome(spec, code, "key", 1, 1, 1)], "w", Seen())

    found = jobs.find(begun.id)
    assert (found.done, found.failed) == (codes.count(None), 2 - codes.count(None))


def test_many_who_settle_at_once_are_all_counted(jobs, settling, begun):
    results = together(*(lambda spec=spec: settling.settle(begun, [done(spec)], "w", Seen()) for spec in begun.specs))

    assert outcomes(results)["ok"] == 3
    assert (state(jobs, begun), jobs.find(begun.id).done) == (DONE, 3)


def test_a_cancelled_job_counts_no_more(jobs, settling, begun):
    jobs.cancel(begun)

    with pytest.raises(Moved):
        settling.settle(begun, [done(ONE)], "w", Seen())
    assert jobs.find(begun.id).done == 0


def test_a_worker_of_the_version_before_counts_no_more(jobs, settling, begun):
    jobs.restart(begun, 2, "e2")
    settling.claim(jobs.find(begun.id), TWO, "x")
    jobs.begin(jobs.find(begun.id))

    with pytest.raises(Moved):
        settling.settle(begun, [done(ONE)], "w", Seen())
    assert jobs.find(begun.id).done == 0


def test_the_end_of_a_job_is_where_it_is_listed(jobs, settling, begun):
    settling.settle(begun, [done(ONE), Outcome(TWO, Code.CORRUPT), Outcome(THREE, Code.CORRUPT)], "w", Seen())

    assert [one.id for one in jobs.listed("o", "partial", 5, None).jobs] == [begun.id]
    assert [one.id for one in jobs.dead(5, None)[0]] == [begun.id]


def test_a_job_is_begun_by_many_and_each_try_counts(jobs, job):
    assert [jobs.begin(job).attempts for _ in range(3)] == [1, 2, 3]
    assert state(jobs, job) == RUNNING


def test_what_was_cancelled_is_not_begun(jobs, job):
    running = jobs.begin(job)
    jobs.cancel(running)

    for read in (job, running):
        with pytest.raises(Moved):
            jobs.begin(read)


def test_what_moved_on_is_not_begun_as_it_was(jobs, job):
    jobs.restart(job, 2, "e2")
    with pytest.raises(Moved):
        jobs.begin(job)
    jobs.begin(jobs.find(job.id))

    for read in (job, replace(job, state=RUNNING)):
        with pytest.raises(Moved):
            jobs.begin(read)
    assert jobs.find(job.id).attempts == 1


def test_only_an_open_job_is_cancelled_and_only_as_it_was_read(jobs, settling, begun):
    jobs.restart(begun, 2, "e2")
    with pytest.raises(Moved):
        jobs.cancel(begun)
    assert state(jobs, begun) == QUEUED


def test_a_job_that_has_ended_is_not_cancelled(jobs, settling, begun):
    settling.settle(begun, [done(spec) for spec in begun.specs], "w", Seen())

    with pytest.raises(Moved):
        jobs.cancel(begun)
    assert state(jobs, begun) == DONE


def test_only_a_cancelled_job_is_reopened(jobs, job):
    with pytest.raises(Moved):
        jobs.reopen(jobs.begin(job))
    jobs.cancel(jobs.find(job.id))
    jobs.reopen(job)

    assert state(jobs, job) == QUEUED


def test_what_has_failed_is_put_back_once(jobs, settling, begun):
    settling.settle(begun, [Outcome(ONE, Code.CORRUPT), done(TWO), done(THREE)], "w", Seen())
    view = jobs.view(begun.id)

    results = together(lambda: jobs.retry(view), times=5)

    assert outcomes(results) == {"ok": 1, "Moved": 4}
    assert (state(jobs, begun), jobs.find(begun.id).failed, jobs.dead(5, None)[0]) == (QUEUED, 0, [])


def test_a_retry_that_was_decided_before_another_failed_is_decided_anew(jobs, settling, begun):
    settling.settle(begun, [Outcome(ONE, Code.CORRUPT)], "w", Seen())
    view = jobs.view(begun.id)
    settling.settle(begun, [Outcome(TWO, Code.CORRUPT)], "w", Seen())

    with pytest.raises(Moved):
        jobs.retry(view)
    assert jobs.find(begun.id).failed == 2


def test_a_job_moves_on_once_and_only_while_it_is_open(jobs, settling, begun):
    assert jobs.restart(begun, 2, "e2")
    with pytest.raises(Moved):
        jobs.restart(begun, 3, "e3")
    moved = jobs.find(begun.id)
    jobs.cancel(moved)
    with pytest.raises(Moved):
        jobs.restart(moved, 3, "e3")

    assert (moved.etag, moved.n, moved.done, state(jobs, begun)) == ("e2", 2, 0, CANCELLED)
    assert jobs.find(begun.id).etag == "e2"


def test_a_job_does_not_take_the_place_of_another_of_that_version(jobs, job):
    other = replace(job, id=ids.new(), n=2, etag="e2")
    jobs.create(other, Intent(other.id, "test"))

    assert jobs.restart(job, 2, "e2") is False
    assert jobs.find(job.id).etag == "e1"


def meta(**fields):
    given = {"file_id": "F", "owner_id": "o", "n": 2, "etag": "e2", "media_type": "image/png", "size": 1, **fields}
    return Meta(state=QUEUED, **given)


def test_a_version_is_expected_once_and_never_an_older_one(metas):
    assert metas.expect(meta())
    assert not metas.expect(meta())
    assert not metas.expect(meta(n=1, etag="e1"))
    assert metas.expect(meta(etag="e2b")) and metas.expect(meta(n=3, etag="e3"))
    assert metas.find("F").etag == "e3"


@pytest.mark.parametrize("facts", [{"pages": 1}, {"pages": 1, "text": "said"}], ids=["facts", "text"])
def test_what_was_found_is_of_its_version_alone(metas, facts):
    metas.expect(meta())
    metas.expect(meta(n=3, etag="e3"))
    metas.learnt(meta(), dict(facts))
    assert metas.find("F").state == QUEUED and metas.text("F", "e2") is None

    metas.learnt(meta(etag="e3"), dict(facts))

    assert metas.find("F").facts == {"pages": 1} and metas.text("F", "e3") == facts.get("text")


def test_a_failure_is_of_its_version_and_never_hides_what_was_found(metas):
    metas.expect(meta())
    metas.failed(meta(etag="other"), Code.CORRUPT)
    assert metas.find("F").state == QUEUED
    metas.learnt(meta(), {"pages": 1})
    metas.failed(meta(), Code.CORRUPT)

    assert (metas.find("F").state, metas.find("F").code) == (DONE, None)


def test_a_failure_says_why(metas):
    metas.expect(meta())
    assert (metas.tried(meta()), metas.tried(meta())) == (1, 2)
    metas.failed(meta(), Code.CORRUPT)

    assert (metas.find("F").state, metas.find("F").code) == (FAILED, "corrupt")


def test_a_preset_is_replaced_only_as_it_was_read(table, frozen):
    presets = PresetStore(table)
    assert presets.put("a", [ONE], None, any_version=False) == 1
    with pytest.raises(VersionRequired):
        presets.put("a", [TWO], None, any_version=False)
    with pytest.raises(StaleVersion):
        presets.put("a", [TWO], 4, any_version=False)
    with pytest.raises(StaleVersion):
        presets.put("b", [TWO], None, any_version=True)
    assert presets.put("a", [TWO], 1, any_version=False) == 2

    assert presets.find("a") == ((TWO,), 2)
