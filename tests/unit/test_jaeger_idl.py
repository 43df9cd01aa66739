"""The messages of jaeger-idl are those that its files say."""

from pathlib import Path

import pytest

from otel_vector_collector.jaeger.idl import (
    capabilities_pb2,
    dependency_storage_pb2,
    generate,
    trace_storage_pb2,
)

HERE = Path(generate.__file__).parent


def test_what_is_committed_is_what_is_generated():
    pytest.importorskip(
        "grpc_tools", reason="grpcio-tools is not installed: nothing to generate with"
    )
    made = generate.generated()
    assert sorted(made) == sorted(path.name for path in HERE.glob("*_pb2.py*"))
    for name, text in made.items():
        assert (HERE / name).read_text() == text, f"run python -m {generate.__name__}"


@pytest.mark.parametrize(
    ("module", "messages", "services"),
    [
        (trace_storage_pb2, {"FindTracesRequest", "TraceSummary"}, {"TraceReader"}),
        (dependency_storage_pb2, {"Dependency"}, {"DependencyReader"}),
        (capabilities_pb2, {"SearchCapabilities"}, {"Capabilities"}),
    ],
)
def test_the_package_on_the_wire_is_jaegers(module, messages, services):
    assert module.DESCRIPTOR.package == "jaeger.storage.v2"
    assert messages <= set(module.DESCRIPTOR.message_types_by_name)
    assert services == set(module.DESCRIPTOR.services_by_name)


def test_the_notice_of_their_licence_is_beside_them():
    notice = (HERE / "NOTICE").read_text()
    assert "Apache License" in notice
    assert "jaeger-idl v0.10.0" in notice
