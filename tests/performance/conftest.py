from tests.unit.conftest import cloud as cloud
