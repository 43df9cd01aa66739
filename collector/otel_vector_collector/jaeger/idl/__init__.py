"""Messages of Jaeger's remote storage, `jaeger.storage.v2` of jaeger-idl v0.10.0, generated.

`generate` makes the modules `*_pb2` from the files in `proto`; NOTICE has their origin and
licence. Calls need no stubs: the gRPC library is given methods by name.
"""
