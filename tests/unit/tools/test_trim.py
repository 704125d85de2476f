"""What is taken out of the dependencies."""

import subprocess
import sys
from pathlib import Path

from tools import layers
from tools.paths import ROOT


def test_only_the_named_services_stay(tmp_path: Path) -> None:
    data = tmp_path / "botocore" / "data"
    for service in ("dynamodb", "ec2"):
        (data / service).mkdir(parents=True)
    (data / "endpoints.json").write_text("{}")
    (tmp_path / "bin").mkdir()

    subprocess.run([sys.executable, ROOT / "layers/dependencies/trim.py", tmp_path, "dynamodb"], check=True)

    assert sorted(path.name for path in data.iterdir()) == ["dynamodb", "endpoints.json"]
    assert not (tmp_path / "bin").exists()


def test_the_services_are_those_the_templates_allow() -> None:
    assert {"dynamodb", "lambda", "sqs"} <= set(layers.services())
    assert "ec2" not in layers.services()
