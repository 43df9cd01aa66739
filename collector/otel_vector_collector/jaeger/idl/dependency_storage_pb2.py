# ruff: noqa: E501, F401, I001, RUF100
# fmt: off
"""Messages of storage/v2/dependency_storage.proto in jaeger-idl, generated: see `generate`."""

from google.protobuf import descriptor_pool
from google.protobuf.internal import builder
from google.protobuf import timestamp_pb2

DESCRIPTOR = descriptor_pool.Default().AddSerializedFile(b'\n#storage/v2/dependency_storage.proto\x12\x11jaeger.storage.v2\x1a\x1fgoogle/protobuf/timestamp.proto"\x8a\x01\n\x16GetDependenciesRequest\x129\n\nstart_time\x18\x01 \x01(\x0b2\x1a.google.protobuf.TimestampR\tstartTime\x125\n\x08end_time\x18\x02 \x01(\x0b2\x1a.google.protobuf.TimestampR\x07endTime"q\n\nDependency\x12\x16\n\x06parent\x18\x01 \x01(\tR\x06parent\x12\x14\n\x05child\x18\x02 \x01(\tR\x05child\x12\x1d\n\ncall_count\x18\x03 \x01(\x04R\tcallCount\x12\x16\n\x06source\x18\x04 \x01(\tR\x06source"\\\n\x17GetDependenciesResponse\x12A\n\x0cdependencies\x18\x01 \x03(\x0b2\x1d.jaeger.storage.v2.DependencyR\x0cdependencies2|\n\x10DependencyReader\x12h\n\x0fGetDependencies\x12).jaeger.storage.v2.GetDependenciesRequest\x1a*.jaeger.storage.v2.GetDependenciesResponseB\tZ\x07storageb\x06proto3')
builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, __name__, globals())
