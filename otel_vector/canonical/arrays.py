"""Trees of numpy's arrays and scalars; numpy is never imported, only found where it is loaded."""

from __future__ import annotations

import sys
from base64 import b64encode
from typing import Any, Final

from otel_vector.canonical.names import mro_of
from otel_vector.canonical.opaque import opaque_tree
from otel_vector.canonical.tags import TAG, Handler, Tree, Walker

__all__ = ["array_of"]

_READABLE: Final = "biuf"
"""Kinds of scalars that are written as the Python number they are equal to."""
_RAW: Final = _READABLE + "cmMSUV"
"""Kinds whose bytes are all there is to them."""
_PADDED: Final = "gG"
"""Types with bytes that mean nothing: a long double and its complex."""


def array_of(cls: type) -> Handler | None:
    """Return what makes trees of an array or scalar class; None for any other."""
    numpy = sys.modules.get("numpy")
    known = {} if numpy is None else vars(numpy)
    if "ndarray" in known and cls is known["ndarray"]:
        return _array
    return _scalar if "generic" in known and known["generic"] in mro_of(cls) else None


def _is_raw(dtype: Any) -> bool:
    whole = dtype.names is None and dtype.subdtype is None and not dtype.hasobject
    return whole and dtype.kind in _RAW and dtype.char not in _PADDED


def _array(walker: Walker, value: Any) -> Tree:
    if not _is_raw(value.dtype):
        return opaque_tree(value)
    walker.weigh(value.nbytes)
    raw = b64encode(value.tobytes()).decode("ascii")
    return {TAG: "ndarray", "dtype": value.dtype.str, "shape": list(value.shape), "v": raw}


def _scalar(walker: Walker, value: Any) -> Tree:
    dtype = value.dtype
    if not _is_raw(dtype) or type(value) is not dtype.type:
        return opaque_tree(value)
    walker.weigh(value.nbytes)
    if dtype.kind in _READABLE:
        return {TAG: "numpy", "dtype": dtype.str, "v": walker.tree(value.item())}
    return {TAG: "numpy", "dtype": dtype.str, "v": b64encode(value.tobytes()).decode("ascii")}
