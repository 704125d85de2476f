"""`sam local` gets the template as it is built, with what it cannot work out written down."""

import yaml

from tools import registry, sam_local
from tools.stack import Facts


def test_every_function_is_called_by_its_name(tmp_path):
    names = [name for capability in registry.capabilities() for name in capability.functions]
    template = tmp_path / "template.yaml"
    resources = {
        **{
            name: {"Type": registry.FUNCTION, "Properties": {"FunctionName": {"Fn::Sub": "computed"}}} for name in names
        },
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": {"Fn::Sub": "${AWS::StackName}"}}},
    }
    template.write_text(yaml.safe_dump({"Resources": resources}))

    sam_local.name_functions(template, "mine")

    written = yaml.safe_load(template.read_text())["Resources"]
    assert written.pop("Api") == resources["Api"]
    assert {written[name]["Properties"]["FunctionName"] for name in names} == {
        registry.function_name(name, "mine") for name in names
    }
    assert written["Accounts"]["Properties"]["FunctionName"] == "mine-accounts"


def test_a_container_finds_the_cloud_at_an_address_of_its_own(monkeypatch):
    facts = Facts("mine", door_port=1, emulator_port=4001, pid=1, edge_secret="e", persist=False)
    deployed = {"QUEUE": "http://127.0.0.1:4001/0/mine-tasks", "TABLE": "mine-tasks"}

    class Functions:
        def get_function_configuration(self, FunctionName: str) -> object:
            return {"Environment": {"Variables": deployed}}

    monkeypatch.setattr("tools.cloud.client", lambda service, endpoint: Functions())

    found = sam_local.environment_overrides(facts, "http://172.17.0.1:4001")["Tasks"]

    assert (found["QUEUE"], found["TABLE"]) == ("http://172.17.0.1:4001/0/mine-tasks", "mine-tasks")
