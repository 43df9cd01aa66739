"""Classes as applications have them, for values that are encoded and decoded."""

import enum
from collections import namedtuple
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, PrivateAttr, field_validator

CALLED: list[str] = []
"""What ran of the classes below."""


class Colour(enum.Enum):
    RED = 1
    GREEN = "green"
    ALSO_RED = 1  # noqa: PIE796 -- an alias


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Word(enum.StrEnum):
    YES = "yes"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Masks(enum.IntFlag):
    ONE = 1
    TWO = 2


Pair = namedtuple("Pair", "left right")  # noqa: PYI024


class Point(NamedTuple):
    x: int
    y: Any = 0


class LongPoint(Point):
    __slots__ = ()

    def length(self):
        return self.x


@dataclass
class Open:
    a: Any
    b: Any = None
    c: Any = field(default=1, init=False)


@dataclass(frozen=True, slots=True)
class Closed:
    a: Any
    b: Any = 2


@dataclass(slots=True)
class WiderClosed(Open):
    d: Any = 4


class Model(BaseModel):
    a: Any
    b: Any = None


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)
    a: Any = 1
    _hidden: Any = PrivateAttr(default=3)


class Ident(int):
    pass


class Text(str):
    __slots__ = ()


class Bag(dict):
    pass


class Row(list):
    pass


class ShopError(ValueError):
    def __init__(self, code, text):
        CALLED.append("ShopError.__init__")
        super().__init__(text)
        self.code = code


@dataclass
class Recorder:
    """A dataclass that says whenever anything of it runs."""

    a: Any

    def __post_init__(self):
        CALLED.append("Recorder.__post_init__")

    def __new__(cls, *args, **kwargs):
        CALLED.append("Recorder.__new__")
        return super().__new__(cls)

    def __setattr__(self, name, value):
        CALLED.append("Recorder.__setattr__")
        super().__setattr__(name, value)

    def __reduce__(self):
        CALLED.append("Recorder.__reduce__")
        return (Recorder, (1,))

    def __setstate__(self, state):
        CALLED.append("Recorder.__setstate__")


class RecordingModel(BaseModel):
    """A model that says whenever anything of it runs."""

    a: Any

    def __init__(self, **values):
        CALLED.append("RecordingModel.__init__")
        super().__init__(**values)

    @field_validator("a")
    @classmethod
    def checked(cls, value):
        CALLED.append("RecordingModel.checked")
        return value

    def model_post_init(self, context):
        CALLED.append("RecordingModel.model_post_init")


class RecordingText(str):  # noqa: SLOT000 -- with a `__dict__`
    """A text that says whenever anything of it runs."""

    def __new__(cls, value):
        CALLED.append("RecordingText.__new__")
        return super().__new__(cls, value)

    def __init__(self, value):
        CALLED.append("RecordingText.__init__")


class RecordingBag(dict):
    """A dict that says whenever anything of it runs."""

    def __init__(self, *args):
        CALLED.append("RecordingBag.__init__")
        super().__init__(*args)

    def __setitem__(self, key, value):
        CALLED.append("RecordingBag.__setitem__")
        super().__setitem__(key, value)

    def items(self):
        CALLED.append("RecordingBag.items")
        return super().items()

    def __iter__(self):
        CALLED.append("RecordingBag.__iter__")
        return super().__iter__()


class NoisyMeta(type):
    def __hash__(cls):
        raise RuntimeError("no hash")

    def __getattribute__(cls, name):
        raise RuntimeError("no attribute")


class Hostile:
    """Raises whatever is asked of it."""

    def __getattribute__(self, name):
        raise RuntimeError("no attribute")

    def __repr__(self):
        raise SystemExit(3)

    def __hash__(self):
        raise RuntimeError("no hash")

    def __eq__(self, other):
        raise RuntimeError("no equality")

    def __bool__(self):
        raise RuntimeError("no truth")

    def __len__(self):
        raise RuntimeError("no length")

    def __iter__(self):
        raise RuntimeError("no parts")


class HostileKind(metaclass=NoisyMeta):
    pass


class Liar:
    """Says that it is a dict, and is none."""

    @property
    def __class__(self):
        return dict

    def __repr__(self):
        return "x" * 10_000 + " at 0x7f00deadbeef"
