"""Comparing ways to make a .tflite file, and files of other tools: `compare`."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from calib8 import _native
from calib8.exporter import Batch, fill_options
from calib8.options import ExportOptions, Path

if TYPE_CHECKING:
    from typing import Unpack


@dataclasses.dataclass(frozen=True)
class CompareResult:
    """What was measured.

    Attributes:
        summary: the table, and what it recommends, for people.
        recommended: the name of a method, or the path of another tool's file.
        reason: one sentence.
        report: {"models": one object for each, with bytes, verification and gate, "recommended", "reason", ...}
    """

    summary: str
    recommended: str
    reason: str
    report: dict[str, Any] = dataclasses.field(repr=False)


def compare(
    checkpoint: Path,
    others: Sequence[Path] = (),
    *,
    methods: Sequence[str] | None = None,
    keep_files: Path | None = None,
    representative_data_gen: Iterable[Batch] | Callable[[], Iterable[Batch]] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    **options: Unpack[ExportOptions],
) -> CompareResult:
    """Makes a model several ways, calibrated once, and measures all of them on the same samples, as `calib8 compare` does.

    Args:
        checkpoint: a .pth checkpoint, an .onnx or a float .tflite file.
        others: .tflite files that other tools made of the same model.
        methods: names of `calib8 compare --help`; None for all.
        keep_files: a folder for NAME.tflite and its metadata; else they are measured and forgotten.
        representative_data_gen, progress: as `calib8.export` takes them.
        **options: of an export; those that name files and ways of quantization have no meaning here.

    Raises:
        Error: with code, message and where.
    """
    native = _native.CompareOptions()
    fill_options(native, checkpoint, representative_data_gen, progress, options)
    native.methods = list(methods or ())
    native.others = [pathlib.Path(path) for path in others]
    native.keep_files = None if keep_files is None else pathlib.Path(keep_files)
    result = _native.compare(native)
    return CompareResult(result.summary, result.recommended, result.reason, json.loads(result.report))
