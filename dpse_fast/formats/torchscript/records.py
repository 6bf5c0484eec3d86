"""What a pickle of PyTorch becomes: records without behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DTYPES = {
    "torch.DoubleStorage": "f8",
    "torch.FloatStorage": "f4",
    "torch.HalfStorage": "f2",
    "torch.BFloat16Storage": "V2",
    "torch.LongStorage": "i8",
    "torch.IntStorage": "i4",
    "torch.ShortStorage": "i2",
    "torch.CharStorage": "i1",
    "torch.ByteStorage": "u1",
    "torch.BoolStorage": "?",
}


@dataclass(frozen=True)
class Name:
    """The name of a class or function, and nothing more."""

    full: str


@dataclass
class Instance:
    """An object of a scripted class: its class name and its attributes."""

    kind: str
    members: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Storage:
    key: str
    dtype: str
    count: int


@dataclass(frozen=True)
class Tensor:
    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
