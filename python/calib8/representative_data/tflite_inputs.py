"""What a .tflite model's inputs take: real values in their type, layout and quantization."""

from __future__ import annotations

import dataclasses
import fractions
import pathlib
from typing import Any

import numpy as np

from calib8 import _native
from calib8.errors import Error, ErrorCode
from calib8.exporter import Path


@dataclasses.dataclass(frozen=True)
class TfliteInput:
    """An input of a .tflite file.

    Attributes:
        name: in the signature.
        dtype: "float32", "int8", "uint8", ...
        shape: with the batch that the file was written for, usually 1.
        scale, zero_point: real = scale * (integer - zero_point); None where the input has no quantization.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float | None = None
    zero_point: int | None = None

    @property
    def takes_pixels(self) -> bool:
        """Whether its real values are pixels, 0 to 255, which its integers hold exactly."""
        return (self.dtype, self.scale, self.zero_point) in (("int8", 1.0, -128), ("uint8", 1.0, 0))

    def convert(self, values: np.ndarray) -> np.ndarray:
        """float32 [N, ...], real, into the input's layout and type."""
        values = self.fit(values)
        if self.dtype == "float32":
            return values
        if self.dtype not in ("int8", "uint8", "int16"):
            raise Error(ErrorCode.USAGE, f"a {self.dtype} input takes no quantized values", f"input '{self.name}'")
        if self.scale is None or self.zero_point is None:
            message = f"an {self.dtype} input without one scale and zero point: what real values it means is not known"
            raise Error(ErrorCode.USAGE, message, f"input '{self.name}'")
        return quantize(values, self.dtype, self.scale, self.zero_point)

    def fit(self, values: np.ndarray) -> np.ndarray:
        """[N, ...] in the layout of the model: channels last or first."""
        if values.shape[1:] == self.shape[1:]:
            return values
        if values.ndim == len(self.shape) == 4:
            for axes in ((0, 3, 1, 2), (0, 2, 3, 1)):
                moved = values.transpose(axes)
                if moved.shape[1:] == self.shape[1:]:
                    return np.ascontiguousarray(moved)
        found, wanted = (f"[N, {', '.join(map(str, shape[1:]))}]" for shape in (values.shape, self.shape))
        raise Error(ErrorCode.USAGE, f"the model takes {wanted}, the data are {found}; see input_size", f"input '{self.name}'")


def read_tflite_inputs(model: Path) -> list[TfliteInput]:
    """The inputs of a .tflite file, whatever operators it has."""
    return [TfliteInput(**entry) for entry in _native.read_tflite_inputs(pathlib.Path(model))]


def pixels_of(values: np.ndarray, preprocessing: dict[str, Any], axis: int) -> np.ndarray:
    """The pixels, 0 to 255, that the declared steps scaled and normalized to these values; `axis` is the channels'."""
    shape = [1] * values.ndim
    shape[axis] = -1
    mean, std = (np.reshape(np.asarray(preprocessing[name], np.float64), shape) for name in ("mean", "std"))
    return np.rint((values * std + mean) / float(fractions.Fraction(preprocessing["scale"])))


def quantize(values: np.ndarray, dtype: str, scale: float, zero_point: int) -> np.ndarray:
    """round(values / scale) + zero_point, halves to the even number, clipped to the type."""
    limits = np.iinfo(dtype)
    levels = np.rint(values.astype(np.float64) / scale) + zero_point
    return np.clip(levels, limits.min, limits.max).astype(dtype)


def assign_inputs(inputs: list[TfliteInput], names: list[str], model: Path) -> dict[str, TfliteInput]:
    """The model's input for each name of the data; the empty name is that of an only input."""
    if len(inputs) == 1 and len(names) == 1:
        return {names[0]: inputs[0]}
    by_name = {entry.name: entry for entry in inputs}
    if set(by_name) != set(names):
        found = ", ".join(names) if names != [""] else "one without a name"
        raise Error(ErrorCode.USAGE, f"the model's inputs are {', '.join(by_name)}, those of the data {found}", str(model))
    return by_name


def uint8_quantization(lowest: float, highest: float) -> tuple[float, int]:
    """Scale and zero point of uint8 over that range, widened to hold 0."""
    lowest, highest = min(0.0, lowest), max(0.0, highest)
    scale = (highest - lowest) / 255
    return scale, round(-lowest / scale)
