"""A condition counts as tested when a test fails without it, and not when a test only takes long."""

import os
import textwrap
from pathlib import Path

import psutil
import pytest

from tools.mutants.__main__ import Verdict, try_all
from tools.mutants.forks import BROKEN, OUT_OF_TIME, in_forks, limit
from tools.mutants.sites import sites_of
from tools.mutants.subjects import capability_at, subject_of
from tools.say import Failure

STORE = """
from dataclasses import dataclass
from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition
from tessera.expressions import all_of

PK, STATUS = UnicodeAttribute(attr_name="pk"), UnicodeAttribute(attr_name="status")


def write(*, only_if: Condition | None = None) -> str:
    return str(only_if)


def state_one():
    return write(only_if=PK.does_not_exist())


def state_both():
    both = (PK == "1") & (STATUS == "new")
    return write(only_if=both)


def state_together():
    return write(only_if=all_of(PK == "2", None))


def state_before():
    only_if = STATUS.exists()
    return write(only_if=only_if)


def state_nothing():
    return write(only_if=None), {1, 2} & {2}


@dataclass(frozen=True)
class Clause:
    conditions: tuple[str, ...]


def state_clauses(name="tat"):
    return " AND ".join(Clause((f"{name} > :floor", f"{name} <= :room")).conditions)


def state_waived():
    return write(only_if=PK.exists())  # No mutant: nobody can tell.
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A capability with conditions and, so far, no tests."""
    package, tests = tmp_path / "functions" / "toys" / "box", tmp_path / "tests" / "unit" / "toys" / "box"
    for folder in (package, tests):
        folder.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "store.py").write_text(STORE)
    layer = Path(__file__).parents[3] / "layers" / "shared" / "python"
    (tmp_path / "pyproject.toml").write_text(f'[tool.pytest.ini_options]\npythonpath = ["{layer}", "."]\n')
    return package


def write_tests(package: Path, tests: str) -> None:
    head = "import os, threading, time\nfrom functions.toys.box import store\n"
    folder = package.parents[2] / "tests" / "unit" / "toys" / "box"
    (folder / "test_store.py").write_text(head + textwrap.dedent(tests))


def said_of(verdicts: list[Verdict], text: str) -> str:
    return next(verdict.said for verdict in verdicts if verdict.site.text == text)


def test_a_condition_is_noticed_when_a_test_fails_without_it(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tests(
        package,
        """
        def test_one():
            assert "attribute_not_exists" in store.state_one()

        def test_both():
            assert "status" in store.state_both()

        def test_together():
            assert "pk" in store.state_together()

        def test_before():
            assert "status" in store.state_before()

        def test_nothing():
            store.state_nothing(), store.state_waived()
        """,
    )

    verdicts = try_all(capability_at(package))

    assert said_of(verdicts, "only_if=PK.does_not_exist()") == "noticed"
    assert said_of(verdicts, 'STATUS == "new"') == "noticed"
    assert said_of(verdicts, 'PK == "1"') == "1 tests came by and none failed."
    assert said_of(verdicts, 'PK == "2"') == "noticed"
    assert said_of(verdicts, "only_if=STATUS.exists()") == "noticed"
    assert "waived, " in (out := capsys.readouterr().out)
    assert "nobody can tell." in out


def test_a_part_of_the_limiters_condition_is_noticed_when_a_test_fails_where_it_always_holds(package: Path) -> None:
    write_tests(
        package,
        """
        def test_clauses():
            assert store.state_clauses().startswith("tat > :floor AND ")
        """,
    )

    verdicts = try_all(capability_at(package))

    assert said_of(verdicts, 'f"{name} > :floor"') == "noticed"
    assert said_of(verdicts, 'f"{name} <= :room"') == "1 tests came by and none failed."


def test_the_limiter_is_judged_like_a_capability() -> None:
    limits = subject_of("limits")

    texts = [site.text for site in sites_of(limits.files)]

    assert 'f"{tat} > :floor{index}"' in texts
    assert {path.name for path in limits.files} == {"gcra.py", "windows.py", "quotas.py"}
    assert all(path.exists() for path in limits.tests)


def test_what_no_test_comes_by_is_said_to_be_so(package: Path) -> None:
    write_tests(package, "def test_one(): assert store.state_both()\n")

    assert said_of(try_all(capability_at(package)), "only_if=PK.does_not_exist()") == "No unit test comes by here."


def test_a_test_that_waits_for_ever_has_noticed_nothing(package: Path) -> None:
    write_tests(
        package,
        """
        def test_one():
            if "attribute_not_exists" not in store.state_one():
                threading.Event().wait()
        """,
    )

    said = said_of(try_all(capability_at(package), patience_seconds=0.5), "only_if=PK.does_not_exist()")

    assert said.startswith("hung in ")
    assert said.endswith("test_store.py::test_one")


def test_where_one_test_waits_for_ever_another_may_notice(package: Path) -> None:
    write_tests(
        package,
        """
        def test_one():
            if "attribute_not_exists" not in store.state_one():
                threading.Event().wait()

        def test_other():
            time.sleep(0.1)
            assert "attribute_not_exists" in store.state_one()
        """,
    )

    verdicts = try_all(capability_at(package), patience_seconds=0.5)

    assert said_of(verdicts, "only_if=PK.does_not_exist()") == "noticed"


def test_tests_that_fail_as_they_are_judge_nothing(package: Path) -> None:
    write_tests(package, "def test_one(): assert store.state_one() == ''\n")

    with pytest.raises(Failure, match="fail as they are") as failure:
        try_all(capability_at(package))

    assert "test_store.py::test_one" in failure.value.lines


def test_tests_that_cannot_be_collected_judge_nothing(package: Path) -> None:
    write_tests(package, "import what_is_not_there\n")

    with pytest.raises(Failure, match="cannot be run") as failure:
        try_all(capability_at(package))

    assert "what_is_not_there" in failure.value.lines


def test_a_fork_that_runs_out_of_time_or_falls_over_is_told_from_one_that_answers() -> None:
    def work(job: str) -> int:
        if job == "waits":
            limit(0.1)
            os.read(os.pipe()[0], 1)
        return {"yes": 1, "no": 0}[job]

    came_out = dict(in_forks(["waits", "yes", "falls", "no"], work, at_once=2, meanwhile=lambda: None))

    assert came_out == {"waits": OUT_OF_TIME, "yes": 1, "falls": BROKEN, "no": 0}


def test_what_a_fork_has_started_ends_with_it(tmp_path: Path) -> None:
    def work(job: str) -> int:
        child = os.fork()
        if not child:
            os.read(os.pipe()[0], 1)
        (tmp_path / job).write_text(str(child))
        return 0

    assert list(in_forks(["one"], work, at_once=1, meanwhile=lambda: None)) == [("one", 0)]

    child = int((tmp_path / "one").read_text())
    _, left = psutil.wait_procs([psutil.Process(child)] if psutil.pid_exists(child) else [], timeout=5)
    assert all(process.status() == psutil.STATUS_ZOMBIE for process in left)


def test_forks_end_when_nobody_waits_for_them_any_more(tmp_path: Path) -> None:
    def work(job: str) -> int:
        (tmp_path / job).write_text(str(os.getpid()))
        os.read(os.pipe()[0], 1)
        return 0

    def give_up() -> None:
        if (tmp_path / "one").exists() and (tmp_path / "one").read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(in_forks(["one"], work, at_once=1, meanwhile=give_up))

    assert not psutil.pid_exists(int((tmp_path / "one").read_text()))
