"""Values as canonical text: typed, decodable, the same text for the same value.

::

    value ─▶ encode.text_of ─┬─ plain JSON: one look at its types ─▶ text
                             └─ else walk.Walk ─ kinds ─ scalars, containers, shapes,
                                                         arrays, opaque
    text ─▶ decode.value_of ─▶ value | Opaque | Unresolved
    text ─▶ digest.digest_of

Decoding imports no module of an application and calls no code of a value's class but the hashing
that members of sets and keys of dicts need.
"""
