"""What holds for every route of every capability."""

import importlib
import inspect
import os

import pytest
from fastapi.routing import APIRoute

from tessera.entry.guard import guard_of
from tests.kit.templates import ROOT, resources

APPS = sorted(path.parent for path in (ROOT / "functions").glob("*/*/app.py"))


@pytest.fixture(scope="module", autouse=True)
def environment():
    before = dict(os.environ)
    os.environ.update(STAGE="test", AWS_DEFAULT_REGION="eu-central-1")
    yield
    os.environ.clear()
    os.environ.update(before)


def routes_of(folder):
    module = importlib.import_module(f"functions.{folder.parent.name}.{folder.name}.app")
    return [route for route in module.app.router.routes if isinstance(route, APIRoute)]


@pytest.mark.parametrize("folder", APPS, ids=lambda folder: folder.name)
@pytest.mark.asvs("8.2.1")
def test_every_route_is_guarded_and_asynchronous(folder):
    for route in routes_of(folder):
        assert guard_of(route).describe()
        assert inspect.iscoroutinefunction(route.endpoint), f"{route.path} is not async"


@pytest.mark.parametrize("folder", APPS, ids=lambda folder: folder.name)
def test_internal_routes_take_only_named_services(folder):
    for route in routes_of(folder):
        internal = "/internal/" in route.path
        assert guard_of(route).describe().startswith("service ") == internal, route.path


@pytest.mark.parametrize("folder", APPS, ids=lambda folder: folder.name)
def test_every_route_says_what_it_does(folder):
    for route in routes_of(folder):
        said = inspect.getdoc(route.endpoint) or ""
        assert said and len(said.splitlines()[0]) <= 120, f"{sorted(route.methods)} {route.path} has no summary"


@pytest.mark.parametrize("folder", APPS, ids=lambda folder: folder.name)
def test_a_path_and_a_method_have_one_route(folder):
    pairs = [(method, route.path) for route in routes_of(folder) for method in route.methods]

    assert len(pairs) == len(set(pairs))


def test_every_handler_of_the_template_exists():
    for name, function in resources("template", "AWS::Serverless::Function").items():
        properties = function["Properties"]
        package, module, attribute = properties["Handler"].split(".")
        path = ROOT / properties["CodeUri"] / package / f"{module}.py"
        assert path.exists(), f"{name}: {path} is missing"
        assert f"{attribute} = " in path.read_text(), f"{name}: {path} has no {attribute}"
