"""How `make test` counts and narrows."""

from pathlib import Path

import pytest

from tools import test as suites

REPORT = """<testsuites><testsuite tests="5" errors="1" failures="1" skipped="1" time="2.5">
<testcase><skipped message="PEERS is not set"/></testcase></testsuite></testsuites>"""


def test_the_last_line_says_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    code = suites.summarise([suites.Outcome("unit", passed=3, skipped=1), suites.Outcome("e2e", passed=2, failed=1)])

    assert capsys.readouterr().out.splitlines()[-1] == "5 passed, 1 failed, 1 skipped"
    assert code == 1


def test_a_run_without_a_single_test_is_no_success() -> None:
    assert suites.summarise([]) == 1


def test_errors_count_as_failures_and_skips_keep_their_reason(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)

    outcome = suites._read("unit", report, 1, 9.0)

    assert (outcome.passed, outcome.failed, outcome.skipped) == (2, 2, 1)
    assert outcome.reasons == ("PEERS is not set",)
    assert outcome.seconds == 2.5


def test_a_run_that_left_no_report_has_failed(tmp_path: Path) -> None:
    assert suites._read("unit", tmp_path / "none.xml", -9, 1.0).failed == 1


def test_a_capability_narrows_to_its_own_tests() -> None:
    found = suites.targets("unit", "relay")

    assert [path.name for path in found] == ["relay"]


def test_a_name_that_nothing_has_tests_for_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(suites.generated, "make", lambda: pytest.fail("nothing is made for it"))
    monkeypatch.setattr(suites.cloud, "leave_accounts", lambda: None)
    monkeypatch.setenv("C", "taks")

    assert suites.main(["unit", "e2e"]) == 2
    assert "There are no tests of `taks` in unit, e2e." in capsys.readouterr().err


@pytest.fixture
def two_suites(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tests = {"contract": "def test_one(): assert 'red' == 'blue'", "unit": "def test_two(): pass"}
    for suite, text in tests.items():
        (tmp_path / f"test_{suite}.py").write_text(text)
    monkeypatch.setattr(suites, "STATE", tmp_path)
    monkeypatch.setattr(suites, "WORKERS", {})
    monkeypatch.setattr(suites, "targets", lambda suite, only: [tmp_path / f"test_{suite}.py"])


def test_suites_side_by_side_are_counted_each_for_itself_and_told_whole(
    two_suites: None, capfd: pytest.CaptureFixture[str]
) -> None:
    outcomes = suites.side_by_side(["contract", "unit"], "")

    assert [(one.suite, one.passed, one.failed) for one in outcomes] == [("contract", 0, 1), ("unit", 1, 0)]
    said = capfd.readouterr().out
    assert said.index("== contract") < said.index("assert 'red' == 'blue'") < said.index("1 failed")


def test_what_runs_in_idle_time_is_told_when_the_others_have_ended(
    two_suites: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BASE_URL", "http://127.0.0.1:1")

    outcomes = suites.run_deployed(["unit"], "", beside=["contract"])

    assert [(one.suite, one.passed, one.failed) for one in outcomes] == [("unit", 1, 0), ("contract", 0, 1)]
    said = capfd.readouterr().out
    assert said.index("== unit") < said.index("1 passed") < said.index("== contract") < said.index("1 failed")
