# ruff: noqa: ANN401, N807, RUF100
from typing import Any

def __getattr__(name: str) -> Any: ...
