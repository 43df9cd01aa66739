# ruff: noqa: E501, F401, I001, RUF100
# fmt: off
"""Messages of storage/v2/capabilities.proto in jaeger-idl, generated: see `generate`."""

from google.protobuf import descriptor_pool
from google.protobuf.internal import builder

DESCRIPTOR = descriptor_pool.Default().AddSerializedFile(b'\n\x1dstorage/v2/capabilities.proto\x12\x11jaeger.storage.v2"F\n\x12SearchCapabilities\x120\n\x14without_service_name\x18\x01 \x01(\x08R\x12withoutServiceName"\x18\n\x16GetCapabilitiesRequest"X\n\x17GetCapabilitiesResponse\x12=\n\x06search\x18\x01 \x01(\x0b2%.jaeger.storage.v2.SearchCapabilitiesR\x06search2z\n\x0cCapabilities\x12j\n\x0fGetCapabilities\x12).jaeger.storage.v2.GetCapabilitiesRequest\x1a*.jaeger.storage.v2.GetCapabilitiesResponse"\x00B\tZ\x07storageb\x06proto3')
builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, __name__, globals())
