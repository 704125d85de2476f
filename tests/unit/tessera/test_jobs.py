import pytest

from tessera import ids
from tessera.jobs import JobNotCancellable, JobOver, Jobs, JobState
from tessera.problems import NotFound, Unavailable
from tessera.transact import transact


@pytest.fixture
def jobs(table_of, frozen):
    return Jobs(table_of("Tasks"))


@pytest.fixture
def start(jobs):
    def begin(owner_id="owner", **given):
        job, step = jobs.starting(owner_id, "lists.clear", total=10, **given)
        transact(step)
        return job

    return begin


def test_a_job_goes_from_queued_over_running_to_done(jobs, start):
    job = start()
    assert jobs.get("owner", job.id).state is JobState.QUEUED
    assert jobs.progress(job, 4).done == 4

    jobs.finish(job, result={"moved": 10})

    ended = jobs.get("owner", job.id)
    assert (ended.state, ended.done, ended.result) == (JobState.DONE, 10, {"moved": 10})


def test_a_job_some_of_whose_work_went_wrong_is_partial(jobs, start):
    ended = jobs.finish(start(), errors=[{"row": 3, "code": "invalid"}])
    assert (ended.state, ended.errors) == (JobState.PARTIAL, ({"row": 3, "code": "invalid"},))


def test_a_job_that_failed_says_why(jobs, start):
    ended = jobs.fail(start(), Unavailable("The list is gone."))
    assert ended.problem["detail"] == "The list is gone."


def test_an_ended_job_stays_as_it_ended(jobs, start):
    job = start(cancellable=True)
    jobs.finish(job)

    assert jobs.progress(job, 1).state is JobState.DONE
    assert jobs.fail(job, Unavailable()).state is JobState.DONE
    with pytest.raises(JobOver):
        jobs.cancel("owner", job.id)


def test_a_worker_learns_of_a_cancellation_when_it_reports(jobs, start):
    job = start(cancellable=True)
    jobs.progress(job, 1)

    assert jobs.cancel("owner", job.id).state is JobState.CANCELLED
    assert jobs.cancel("owner", job.id).state is JobState.CANCELLED
    assert jobs.progress(job, 2).state is JobState.CANCELLED
    assert jobs.get("owner", job.id).done == 1


def test_a_job_that_cannot_be_cancelled_goes_on(jobs, start):
    job = start()
    with pytest.raises(JobNotCancellable):
        jobs.cancel("owner", job.id)
    assert jobs.get("owner", job.id).state is JobState.QUEUED


@pytest.mark.parametrize("owner_id", ["somebody else", "owner"])
def test_a_job_is_its_owners_alone(jobs, start, owner_id):
    job = start()
    with pytest.raises(NotFound):
        jobs.get(owner_id, job.id if owner_id != "owner" else ids.new())


def test_a_job_is_forgotten_a_week_after_its_last_report(jobs, start, frozen):
    job = start()
    frozen.advance(days=6)
    jobs.progress(job, 1)
    frozen.advance(days=6)
    assert jobs.get("owner", job.id).done == 1
    frozen.advance(days=2)
    with pytest.raises(NotFound):
        jobs.get("owner", job.id)
