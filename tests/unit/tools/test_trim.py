"""What is taken out of the dependencies."""

import shutil
import subprocess
import sys
from pathlib import Path

import botocore
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.regions import EndpointResolver

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
    place = Path(botocore.__file__).parent / "data"
    copied = tmp_path / "botocore" / "data"
    for name in ("dynamodb", "sesv2", "ec2"):
        shutil.copytree(place / name, copied / name)
    for name in ("endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json"):
        shutil.copy(place / name, copied)
    ours = Loader(extra_search_paths=[str(copied)], include_default_search_paths=False)

    trim = [sys.executable, ROOT / "layers/dependencies/trim.py", tmp_path, "dynamodb", "sesv2"]
    subprocess.run(trim, check=True)

    for name, operation in (("dynamodb", "TransactWriteItems"), ("sesv2", "SendEmail")):
        before = ServiceModel(Loader().load_service_model(name, "service-2"), name).operation_model(operation)
        after = ServiceModel(ours.load_service_model(name, "service-2"), name).operation_model(operation)
        assert after.input_shape.required_members == before.input_shape.required_members
        assert list(after.input_shape.members) == list(before.input_shape.members)
        assert before.documentation and not after.documentation
    resolvers = [EndpointResolver(loader.load_data("endpoints")) for loader in (Loader(), ours)]
    for service in ("dynamodb", "email"):
        before, after = (one.construct_endpoint(service, "eu-central-1") for one in resolvers)
        assert after == before
    assert not list(copied.rglob("examples-1.json"))


def test_an_explanation_is_a_text_and_a_member_of_that_name_is_none() -> None:
    described = {"documentation": "Why.", "members": {"documentation": {"shape": "Text", "documentation": "What."}}}

    assert _unexplained(described) == {"members": {"documentation": {"shape": "Text"}}}


def test_the_services_are_those_the_templates_allow() -> None:
    assert {"dynamodb", "lambda", "sqs"} <= set(layers.services())
    assert "ec2" not in layers.services()
