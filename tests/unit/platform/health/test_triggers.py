import subprocess
import sys

import pytest

from functions.platform.health import triggers
from tessera import aws
from tests.kit.logs import logged
from tests.kit.templates import ROOT

from .conftest import delivered, line


def test_the_handler_counts_and_says_so_in_a_line_that_is_no_request(environment, frozen):
    handle = triggers.aggregator({**environment, "STAGE": "test"})

    with logged() as written:
        assert handle(delivered(line()), None) is None

    assert written() and "tessera_red" not in written()


def test_a_delivery_that_cannot_be_counted_is_raised_so_that_it_comes_again(environment, frozen):
    handle = triggers.aggregator({**environment, "STAGE": "test", "TABLE": "nobody-made-this"})

    with pytest.raises(aws.ClientError):
        handle(delivered(line()), None)


def test_the_aggregator_loads_no_web_framework():
    script = "import sys; import functions.platform.health.triggers; print('fastapi' in sys.modules)"
    path = f"{ROOT}:{ROOT / 'layers/shared/python'}"
    done = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": path}, capture_output=True, text=True)

    assert done.stdout.strip() == "False", done.stderr
