"""What is taken out of the dependencies."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore
from botocore.loaders import Loader
from botocore.session import Session

from layers.dependencies.trim import _unexplained
from tools import layers
from tools.paths import ROOT


def test_only_the_named_services_stay(tmp_path: Path) -> None:
    data = tmp_path / "botocore" / "data"
    for service in ("dynamodb", "ec2"):
        (data / service).mkdir(parents=True)
    (data / "endpoints.json").write_text('{"partitions": []}')
    (tmp_path / "bin").mkdir()

    subprocess.run([sys.executable, ROOT / "layers/dependencies/trim.py", tmp_path, "dynamodb"], check=True)

    assert sorted(path.name for path in data.iterdir()) == ["dynamodb", "endpoints.json"]
    assert not (tmp_path / "bin").exists()


def test_what_stays_is_described_as_before_without_explanations(tmp_path: Path) -> None:
    place, copied = Path(botocore.__file__).parent / "data", tmp_path / "botocore" / "data"
    names = layers.services()
    for name in (*names, "ec2"):
        shutil.copytree(place / name, copied / name)
    for file in place.glob("*.json"):
        shutil.copy(file, copied)

    trim = [sys.executable, ROOT / "layers/dependencies/trim.py", tmp_path, *names]
    subprocess.run(trim, check=True)

    ours = Loader(extra_search_paths=[str(copied)], include_default_search_paths=False)
    trimmed, whole = Session(), Session()
    trimmed.register_component("data_loader", ours)
    assert set(ours.list_available_services("service-2")) == set(names)
    for name in names:
        before, after = (client(session, name) for session in (whole, trimmed))
        assert after.meta.endpoint_url == before.meta.endpoint_url
        assert after.meta.method_to_api_mapping == before.meta.method_to_api_mapping
        for operation in after.meta.method_to_api_mapping.values():
            explained, bare = (one.meta.service_model.operation_model(operation) for one in (before, after))
            assert explained.documentation and not bare.documentation
            assert members(bare.input_shape) == members(explained.input_shape)
            assert members(bare.output_shape) == members(explained.output_shape)
    assert not list(copied.rglob("examples-1.json"))


def client(session: Session, service: str) -> Any:
    return session.create_client(
        service, region_name="eu-central-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


def members(shape: Any) -> list[tuple[str, str, bool]]:
    """What a structure is made of."""
    found = shape.members if shape else {}
    return [(name, one.type_name, name in shape.required_members) for name, one in found.items()]


def test_an_explanation_is_a_text_and_a_member_of_that_name_is_none() -> None:
    described = {"documentation": "Why.", "members": {"documentation": {"shape": "Text", "documentation": "What."}}}

    assert _unexplained(described) == {
        "documentation": "",
        "members": {"documentation": {"shape": "Text", "documentation": ""}},
    }


def test_the_services_are_those_the_templates_allow() -> None:
    assert {"dynamodb", "lambda", "sqs"} <= set(layers.services())
    assert "ec2" not in layers.services()
