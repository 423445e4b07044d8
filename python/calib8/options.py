"""The options of `calib8.export` and their types: the command line's flags, with underscores."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypedDict

Path = str | os.PathLike[str]


class DatasetOptions(TypedDict, total=False):
    """What data are found, drawn and preprocessed; each option's default is the command line's."""

    arch: str | None
    num_classes: int | None
    state_dict: str | None
    head_activation: Literal["relu", "gelu", "silu", "hardswish", "leaky_relu", "tanh", "sigmoid", "elu", "none"] | None
    input_size: int | tuple[int, int] | None
    input_shape: Mapping[str, Sequence[int]] | None
    input: Mapping[str, float | Sequence[float]] | None
    dataset_dir: Path | None
    dataset_type: Literal["auto", "classification", "detection", "images", "numpy"]
    array_layout: Literal["auto", "channels-first", "channels-last"]
    class_order: Literal["auto", "bytes", "natural"]
    class_column: str
    samples_in: Path | None
    seed: int
    follow_links: bool
    full: bool
    strict: bool
    preprocessing: Path | None
    resize_mode: Literal["exact", "shortest-side", "cover", "letterbox"] | None
    crop: float | str | None
    interpolation: str | None
    channel_order: Literal["rgb", "bgr", "gray"] | None
    scale: float | str | None
    mean: float | Sequence[float] | None
    std: float | Sequence[float] | None
    threads: int
    note: Callable[[str], None]


class ExportOptions(DatasetOptions, total=False):
    """What is exported, how it is calibrated, and what proves it."""

    format: Literal["tflite", "onnx", "both"]
    quantize: Literal["int8", "int16x8", "dynamic", "float16", "none"]
    io: Literal["auto", "int8", "uint8", "int16", "float32"]
    model_input: Literal["auto", "pixels", "normalized"]
    output_dir: Path
    onnx_path: Path | None
    tflite_path: Path | None
    plan_out: Path | None
    keep_output_axes: bool
    dynamic_batch: bool
    num_calib_samples: int
    calibration: Literal["mse", "minmax", "percentile"]
    effort: Literal["balanced", "fast", "max"]
    keep_float: str | Sequence[str]
    integer_only: bool
    check_preprocessing: bool
    verify_samples: int | Literal["auto"] | None
    min_agreement: float
    min_sqnr: float | None
    task: Literal["auto", "classification", "detection", "tensors"]
    max_map_loss: float | None
    require_proof: bool
    verify_onnx: bool
