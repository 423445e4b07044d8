"""Samples as ai-edge-quantizer's calibration takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

#: Reads a sample: float32 [1, ...] by input name.
Load = Callable[[int], dict[str, np.ndarray]]


class CalibrationSample(Mapping[str, np.ndarray]):
    """A sample that is read when its arrays are asked for, each time."""

    def __init__(self, load: Load, index: int, names: Sequence[str]) -> None:
        self._load, self._index, self._names = load, index, names

    def copy(self) -> dict[str, np.ndarray]:
        """All arrays, read once."""
        return self._load(self._index)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(name)
        return self.copy()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class CalibrationSamples(Sequence[CalibrationSample]):
    """The samples of one signature. The quantizer goes through them twice and makes a list of them the first time,
    so they are a sequence, and each is read only when it is run."""

    def __init__(self, load: Load, count: int, names: Sequence[str]) -> None:
        self._load, self._count, self._names = load, count, list(names)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        return CalibrationSample(self._load, index % self._count, self._names)
