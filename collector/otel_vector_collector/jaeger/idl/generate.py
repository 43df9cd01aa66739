"""Generates the messages from the files in `proto`.

    python -m otel_vector_collector.jaeger.idl.generate

It takes `grpcio-tools`, whose protoc only parses: the modules are written here, since what
protoc writes refuses to run on an older protobuf than its own. OTLP's messages are those of the
installed `opentelemetry-proto`, whose descriptors protoc is handed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Final

from google.protobuf import duration_pb2, timestamp_pb2
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from opentelemetry.proto.trace.v1 import trace_pb2

__all__ = ["generated", "main"]

_HERE: Final = Path(__file__).parent
_FOLDER: Final = "storage/v2"
_KNOWN: Final = (duration_pb2, timestamp_pb2, trace_pb2)
_MODULE: Final = '''# ruff: noqa: E501, F401, I001, RUF100
# fmt: off
"""Messages of {name} in jaeger-idl, generated: see `generate`."""

from google.protobuf import descriptor_pool
from google.protobuf.internal import builder
{imports}
DESCRIPTOR = descriptor_pool.Default().AddSerializedFile({content!r})
builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, __name__, globals())
'''
_TYPES: Final = """# ruff: noqa: ANN401, N807, RUF100
from typing import Any

def __getattr__(name: str) -> Any: ...
"""


def generated() -> dict[str, str]:
    """Return the modules' texts by file name.

    Raises:
        ImportError: grpcio-tools is not installed.
        RuntimeError: protoc refuses a file; what it says is on standard error.
    """
    files: dict[str, str] = {}
    for file in _parsed(sorted(path.name for path in (_HERE / "proto").glob("*.proto"))):
        stem = f"{Path(file.name).stem}_pb2"
        files[f"{stem}.py"] = _MODULE.format(
            name=file.name,
            imports="".join(map(_import, file.dependency)),
            content=file.SerializeToString(deterministic=True),
        )
        files[f"{stem}.pyi"] = _TYPES
    return files


def main() -> None:
    """Write the modules beside this one."""
    for name, text in generated().items():
        (_HERE / name).write_text(text)
        sys.stdout.write(f"{name}\n")


def _parsed(names: Iterable[str]) -> list[FileDescriptorProto]:
    protoc = import_module("grpc_tools.protoc")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / _FOLDER).mkdir(parents=True)
        for name in names:
            (folder / _FOLDER / name).write_bytes((_HERE / "proto" / name).read_bytes())
        (folder / "known").write_bytes(_known().SerializeToString())
        told = protoc.main(
            [
                "protoc",
                f"--proto_path={folder}",
                f"--descriptor_set_in={folder / 'known'}",
                f"--descriptor_set_out={folder / 'parsed'}",
                *(f"{_FOLDER}/{name}" for name in names),
            ]
        )
        if told:
            raise RuntimeError(f"protoc ended with {told}; it says why above")
        return list(FileDescriptorSet.FromString((folder / "parsed").read_bytes()).file)


def _known() -> FileDescriptorSet:
    """Return the files that ours import, each after those it imports itself."""
    found: dict[str, FileDescriptorProto] = {}

    def add(descriptor: FileDescriptor) -> None:
        for dependency in descriptor.dependencies:
            add(dependency)
        found[descriptor.name] = FileDescriptorProto.FromString(descriptor.serialized_pb)

    for module in _KNOWN:
        add(module.DESCRIPTOR)
    return FileDescriptorSet(file=found.values())


def _import(dependency: str) -> str:
    package, _, stem = dependency.removesuffix(".proto").replace("/", ".").rpartition(".")
    return f"from {package} import {stem}_pb2\n"


if __name__ == "__main__":
    main()
