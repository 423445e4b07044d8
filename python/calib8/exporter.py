"""Exporting a model: `export`, and `ModelExporter` for one file at a time."""

from __future__ import annotations

import dataclasses
import json
import operator
import os
import pathlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from calib8 import _native
from calib8.errors import Error, ErrorCode
from calib8.options import ExportOptions, Path

if TYPE_CHECKING:
    from typing import Unpack

#: One batch of representative data: an array [N, ...] for the only input, or arrays by input name.
Batch = np.ndarray | Mapping[str, np.ndarray] | list | tuple


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """What was written and measured.

    Attributes:
        onnx, tflite, metadata: the files, where they were written.
        gate: "proven" where the samples show that the quantized model is as good as the float one, "failed" where they
            show that it isn't, "unproven" where they are too few to tell; None where nothing was verified.
        passed: False where the gate failed, or where proof was required (`require_proof`) and isn't there.
        verdict: one sentence on that; empty where nothing was verified.
        summary: everything for people, several lines.
        report: the object that the metadata file holds.
    """

    onnx: pathlib.Path | None
    tflite: pathlib.Path | None
    metadata: pathlib.Path | None
    gate: Literal["proven", "unproven", "failed"] | None
    passed: bool
    verdict: str
    summary: str
    report: dict[str, Any] = dataclasses.field(repr=False)

    @property
    def gate_passed(self) -> bool | None:
        """Whether the gate didn't fail; None where nothing was verified."""
        return None if self.gate is None else self.gate != "failed"


def export(
    checkpoint: Path,
    *,
    representative_data_gen: Iterable[Batch] | Callable[[], Iterable[Batch]] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    **options: Unpack[ExportOptions],
) -> ExportResult:
    """Converts a model, calibrates it, verifies it and writes the files, as `calib8 export` does.

    Args:
        checkpoint: a .pth checkpoint, an .onnx or a float .tflite file.
        representative_data_gen: an iterable (or a function that returns one, as TensorFlow's representative_dataset) of
            float32 batches, preprocessed as in training: arrays [N, height, width, channels] or [N, channels, height,
            width], or dicts of arrays by input name. The first `num_calib_samples` calibrate, the next
            `verify_samples` verify ("auto", the default: up to 200), and up to 60 more are
            what candidates are compared on (`effort`). They are kept in a temporary file (TMPDIR says where). In place
            of `dataset_dir`.
        progress: called with stage, done and total.
        **options: as `calib8.options.ExportOptions` lists them: the command line's flags with underscores, and onnx_path
            and tflite_path for single files.

    Raises:
        Error: with code, message and where. A failed gate is no error: see ExportResult.gate.
    """
    native = _native.ExportOptions()
    fill_options(native, checkpoint, representative_data_gen, progress, options)
    result = _native.export(native)
    return ExportResult(
        onnx=result.onnx,
        tflite=result.tflite,
        metadata=result.metadata,
        gate=result.gate,
        passed=result.passed,
        verdict=result.verdict,
        summary=result.summary,
        report=json.loads(result.report),
    )


class ModelExporter:
    """Exports one model, file by file.

    Args:
        checkpoint: a .pth checkpoint, an .onnx or a float .tflite file.
        arch: the architecture as torchvision names it; else the checkpoint's config says it, or it is recognized.
        num_classes: checked against the model where given.
        input_size: height and width of the image, in pixels: N or (height, width); else what the file says, or 224.
    """

    def __init__(
        self,
        checkpoint: Path,
        *,
        arch: str | None = None,
        num_classes: int | None = None,
        input_size: int | tuple[int, int] | None = None,
    ) -> None:
        self._checkpoint = checkpoint
        self._options: dict[str, Any] = {"arch": arch, "num_classes": num_classes, "input_size": input_size}

    def export_to_onnx(self, path: Path, *, dynamic_batch: bool = False) -> ExportResult:
        """Writes the full-precision ONNX file: opset 20, input "image", output "logits"."""
        return export(self._checkpoint, format="onnx", onnx_path=path, dynamic_batch=dynamic_batch, **self._options)

    def export_to_tflite(
        self,
        path: Path,
        quantize: str = "int8",
        dataset_dir: Path | None = None,
        representative_data_gen: Iterable[Batch] | Callable[[], Iterable[Batch]] | None = None,
        **options: Unpack[ExportOptions],
    ) -> ExportResult:
        """Writes the TFLite file and its metadata beside it, calibrated and verified.

        Args:
            path: of the .tflite file; model.onnx is written into the same folder.
            quantize: "int8", "int16x8" (int16 activations), "dynamic" (int8 weights, float
                activations), "float16" (weights) or "none".
            dataset_dir: a folder with representative images; in its place
            representative_data_gen: batches as `export` takes them.
            **options: as `export` takes them.
        """
        options.setdefault("onnx_path", pathlib.Path(path).with_name("model.onnx"))
        return export(
            self._checkpoint,
            tflite_path=path,
            quantize=quantize,
            dataset_dir=dataset_dir,
            representative_data_gen=representative_data_gen,
            **options,
            **self._options,
        )


_ENUMS = {
    "format": _native.OutputFormat,
    "quantize": _native.QuantizeTo,
    "dataset_type": _native.DatasetKind,
    "array_layout": _native.ArrayLayout,
    "class_order": _native.ClassOrder,
    "calibration": _native.CalibrationMethod,
    "effort": _native.Effort,
    "io": _native.ModelIo,
    "model_input": _native.ModelInput,
    "task": _native.TaskKind,
}
_PATHS = {"model", "output_dir", "onnx_path", "tflite_path", "plan_out", "dataset_dir", "samples_in"}


def fill_options(native: Any, checkpoint: Path, source: Any, progress: Any, options: Mapping[str, Any]) -> None:
    """Sets all that `export` and `compare` take of _native's options; `source` is a representative_data_gen."""
    native.model = pathlib.Path(checkpoint)
    native.set_progress(progress)
    native.python = pathlib.Path(sys.executable) if sys.executable else None
    for name, value in options.items():
        set_option(native, name, value)
    if source is not None:
        samples = _split_into_samples(source)
        native.set_samples(lambda: next(samples, None))


def set_option(native: Any, name: str, value: Any) -> None:
    """Sets one option of _native's; None leaves the default."""
    if value is None or (name == "verify_samples" and value == "auto"):
        return
    if name.startswith("_") or not hasattr(native, name):
        raise Error(ErrorCode.USAGE, f"there is no option '{name}'")
    if name in _ENUMS:
        if value not in _ENUMS[name].__members__:
            raise Error(ErrorCode.USAGE, f"'{value}' is none of {', '.join(_ENUMS[name].__members__)}", name)
        value = _ENUMS[name].__members__[value]
    elif name in _PATHS:
        value = pathlib.Path(value)
    elif name == "input_size" and isinstance(value, int):
        value = (value, value)
    elif name in ("input_shape", "input"):
        value = _numbers_by_name(name, value)
    elif name == "preprocessing":
        value = os.fspath(value)
    elif name in ("scale", "crop") and isinstance(value, (int, float, np.number)):
        value = str(value)
    elif name == "keep_float":
        value = [value] if isinstance(value, str) else list(value)
    elif name in ("mean", "std"):
        value = [float(number) for number in np.atleast_1d(value)]
    try:
        setattr(native, name, value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise Error(ErrorCode.USAGE, f"{value!r} is not a value for this option", name) from error


def _numbers_by_name(option: str, given: Any) -> dict[str, list[int]] | dict[str, list[float]]:
    number = operator.index if option == "input_shape" else float
    try:
        return {name: [number(each) for each in np.ravel(values)] for name, values in dict(given).items()}
    except (TypeError, ValueError) as error:
        raise Error(ErrorCode.USAGE, f"{given!r} is not a dict of numbers by input name", option) from error


def _split_into_samples(source: Any) -> Iterator[dict[str, np.ndarray]]:
    for batch in source() if callable(source) else source:
        yield from _split_batch(batch)


def _split_batch(batch: Batch) -> Iterator[dict[str, np.ndarray]]:
    if isinstance(batch, (list, tuple)):  # TensorFlow's convention: one array per input
        if len(batch) != 1:
            raise Error(ErrorCode.DATASET, "a batch is a list of several arrays; give a dict by input name")
        batch = batch[0]
    arrays = dict(batch) if isinstance(batch, Mapping) else {"": batch}
    arrays = {name: as_float32(name, array) for name, array in arrays.items()}
    for name in arrays:
        if not isinstance(name, str):
            raise Error(ErrorCode.DATASET, f"a batch is a dict whose keys are no input names: {name!r}")
    sizes = {array.shape[0] for array in arrays.values()}
    if len(sizes) != 1:
        raise Error(ErrorCode.DATASET, f"the arrays of one batch differ in their first size: {sorted(sizes)}")
    for index in range(sizes.pop()):
        yield {name: array[index : index + 1] for name, array in arrays.items()}


def as_float32(name: str, array: Any) -> np.ndarray:
    """A batch for the input of that name, as calibration needs it: contiguous float32."""
    array = np.asarray(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise Error(
            ErrorCode.DATASET,
            f"a batch is {array.dtype}, not floating: calibration needs what the float model sees, scaled and normalized",
            f"input '{name}'" if name else "",
        )
    if array.ndim == 0:
        raise Error(ErrorCode.DATASET, "a batch is a scalar, not an array [N, ...]")
    return np.ascontiguousarray(array, dtype=np.float32)
