"""RepresentativeDataGenerator."""

from __future__ import annotations

import collections
import json
import operator
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import numpy as np

from calib8 import _native
from calib8.errors import Error, ErrorCode
from calib8.exporter import Path, as_float32, set_option
from calib8.representative_data import tflite_inputs
from calib8.representative_data.calibration_samples import CalibrationSamples

#: An array [N, ...] for a single input, or arrays by input name.
Arrays = np.ndarray | dict[str, np.ndarray]

#: Stands for "not given": the model's size or the preset's comes before it. Made so that it is no other tuple.
_DEFAULT_SIZE: tuple[int, int] = tuple([224, 224])  # type: ignore[assignment]

_TO_CHANNELS_FIRST = (0, 3, 1, 2)


class RepresentativeDataGenerator:
    """Draws samples from a folder and gives them out in batches, as the float model sees them.

    What is drawn, and what becomes of a picture, is what `calib8 export` does with the same options and seed. Samples
    are read when they are needed, so memory does not grow with their number; iterating again gives the same arrays.

    It is a `representative_data_gen` of `calib8.export` and `ModelExporter.export_to_tflite`, TensorFlow's
    `representative_dataset` (as it stands: calling it gives a generator of lists of arrays), and ai-edge-quantizer's
    calibration data (`as_calibration_data`).

    A subclass may define `preprocess(self, path)`, which then makes every sample out of its file.

    Args:
        dataset_dir: a folder, a list of images (.txt, .csv), a description (.yaml, .json) or arrays (.npy, .npz); see docs/data.md.
        dataset_type: "auto", "classification", "detection", "images" or "numpy".
        num_samples: how many to draw; there are fewer where the data hold fewer.
        input_size: height and width of the model's input, in pixels: N or (height, width). Where it isn't given, or
            None: the model's, or the preset's, or (224, 224).
        batch_size: samples per batch; the last batch may have fewer.
        seed: of the choice of samples.
        layout: "NHWC" (TFLite's) or "NCHW" (PyTorch's) for images; arrays stay as they are in their files.
        model: the .pth, .onnx or float .tflite file that the samples are for: its input size, its config's preprocessing
            and, for arrays, its inputs.
        preprocessing: "imagenet" (the default), "torchvision:NAME", "timm", "ultralytics", "tf", "raw" or the path of a
            JSON file; see docs/preprocessing.md. What follows replaces single steps of it.
        mean, std: one number, or one per channel in the order in which the model takes them.
        interpolation, resize_mode, crop, channel_order, scale: as the flags of the same names.
        samples_in: the metadata of an earlier export, or a JSON list of paths: exactly these samples.
        class_order: "auto", "bytes" or "natural", array_layout: "auto", "channels-first" or "channels-last": as the flags
            of the same names. class_column: the column of a table of images that holds their classes.
        follow_links: also symbolic links and listed paths that lead out of the folder.
        full: check the quality of all images, not of those drawn alone.
        strict: warnings about the quality are errors.
        threads: for decoding; 0: all usable cores. The result does not depend on it.

    Raises:
        Error: DATASET where no usable sample is found, USAGE for an option that can't be.
    """

    def __init__(
        self,
        dataset_dir: Path,
        dataset_type: str = "auto",
        num_samples: int = 100,
        input_size: int | tuple[int, int] | None = _DEFAULT_SIZE,
        batch_size: int = 1,
        seed: int = 0,
        *,
        layout: str = "NHWC",
        model: Path | None = None,
        preprocessing: Path | None = None,
        mean: float | list[float] | None = None,
        std: float | list[float] | None = None,
        interpolation: str | None = None,
        resize_mode: str | None = None,
        crop: float | str | None = None,
        channel_order: str | None = None,
        scale: float | str | None = None,
        samples_in: Path | None = None,
        class_order: str = "auto",
        class_column: str = "",
        array_layout: str = "auto",
        follow_links: bool = False,
        full: bool = False,
        strict: bool = False,
        threads: int = 0,
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in ("self", "layout", "batch_size")}
        if layout not in ("NHWC", "NCHW"):
            raise Error(ErrorCode.USAGE, f"'{layout}' is neither NHWC nor NCHW", "layout")
        self.layout = layout
        self.batch_size = _at_least_one("batch_size", batch_size)
        given["num_samples"] = _at_least_one("num_samples", num_samples)
        given["input_size"] = None if input_size is _DEFAULT_SIZE else input_size
        options = _native.DatasetOptions()
        for name, value in given.items():
            set_option(options, name, value)
        options.set_progress(None)  # lets Ctrl-C through
        self._dataset = _native.open_dataset(options)
        self._arrays = self._dataset.preprocessing == "null"
        self._shape: tuple[int, ...] | None = None  # of what an own preprocess() gives
        self._overridden = type(self).preprocess is not RepresentativeDataGenerator.preprocess
        if self._overridden and self._arrays:
            raise Error(ErrorCode.USAGE, "arrays come preprocessed: preprocess() is for images", str(dataset_dir))

    # --- what was found ---------------------------------------------------------------------------------------------

    @property
    def num_samples(self) -> int:
        """How many samples there are: as many as were asked for, or fewer."""
        return self._dataset.size

    @property
    def paths(self) -> list[pathlib.Path]:
        """The file of each sample, in their order; a batch in a file of arrays as "file.npy[row]"."""
        return [self._path(index) for index in range(self.num_samples)]

    def _path(self, index: int) -> pathlib.Path:
        return pathlib.Path(os.fsdecode(self._dataset.folder), os.fsdecode(self._dataset.path(index)))

    @property
    def labels(self) -> list[int | None]:
        """The class of each sample, in their order; None where the data tell none."""
        return self._dataset.labels

    @property
    def class_names(self) -> list[str]:
        """By label; empty without classes."""
        return [os.fsdecode(name) for name in self._dataset.class_names]

    @property
    def notes(self) -> list[str]:
        """What a person should know of the data, one sentence each."""
        return [note.decode("utf-8", "replace") for note in self._dataset.notes]

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the data, one sentence each."""
        return [warning.decode("utf-8", "replace") for warning in self._dataset.warnings]

    @property
    def preprocessing(self) -> dict[str, Any] | None:
        """The declared steps, as `--preprocessing FILE.json` takes them; None for arrays and own preprocess()."""
        return None if self._overridden else json.loads(self._dataset.preprocessing)

    @property
    def report(self) -> dict[str, Any]:
        """{"dataset": what was found and drawn, every file with its SHA-256, and its quality, as in the metadata of an
        export; "preprocessing": ...}. Written to a file it may be given as `samples_in`, and as `preprocessing`."""
        return json.loads(self._dataset.report)

    def get_statistics(self) -> dict[str, Any]:
        """Reads all samples once, and measures and counts them.

        Returns:
            shape, of all samples as one batch in `layout`; min, max, mean and std (of the population) of the values;
            channels, a list of the same for each channel of an image; samples; and classes, how many samples there are
            by class name. Where there are several inputs, what is said of values stands under inputs, by name.
        """
        inputs = self._measure_own() if self._overridden else self._dataset.measure()
        if self.layout == "NCHW" and not self._arrays:
            inputs[""]["shape"] = [inputs[""]["shape"][axis] for axis in _TO_CHANNELS_FIRST]
        drawn = collections.Counter(self.labels)
        counts = {"samples": self.num_samples, "classes": {name: drawn[label] for label, name in enumerate(self.class_names)}}
        return {**(_without_name(inputs) if len(inputs) == 1 else {"inputs": inputs}), **counts}

    def _measure_own(self) -> dict[str, dict[str, Any]]:
        """What `_dataset.measure()` tells, of the samples that a subclass makes."""
        counter = _native.InputCounter()
        for first in range(0, self.num_samples, self.batch_size):
            counter.add(self._read(first, self.batch_size)[""])
        return {"": counter.result()}

    def print_summary(self, file: TextIO | None = None) -> None:
        """What was found and drawn, its quality and the preprocessing, for people; to standard output by default."""
        print(self._dataset.summary.decode("utf-8", "replace"), end="", file=sys.stdout if file is None else file)

    # --- samples ----------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """The number of batches."""
        return -(-self.num_samples // self.batch_size)

    def __iter__(self) -> Iterator[Arrays]:
        return self.generate_batches()

    def __call__(self) -> Iterator[list[np.ndarray] | dict[str, np.ndarray]]:
        """TensorFlow's convention for a representative_dataset: a list of one array per batch, or a dict by input name."""
        return ([batch] if isinstance(batch, np.ndarray) else batch for batch in self.generate_batches())

    def preprocess(self, path: pathlib.Path) -> np.ndarray:
        """Makes a sample of an image file: float32 [height, width, channels].

        To be replaced by subclasses whose training did what the declared steps can't say; all samples must come out in
        one shape.
        """
        return _native.preprocess(path, self._dataset.preprocessing)[0]

    def generate_batches(self) -> Iterator[Arrays]:
        """The samples in their order: float32 [N, height, width, channels], or [N, channels, height, width] with
        layout="NCHW". Arrays from files come as they are there; dicts by input name where a .npz names several."""
        return (_without_name(batch) for batch in self._batches())

    def _batches(self) -> Iterator[dict[str, np.ndarray]]:
        return (self._load(first, self.batch_size) for first in range(0, self.num_samples, self.batch_size))

    def _load(self, first: int, count: int) -> dict[str, np.ndarray]:
        """Sample number `first` and those behind it, `count` or up to the end, by input name, in `layout`."""
        arrays = self._read(first, count)
        if self.layout == "NCHW" and not self._arrays:
            arrays[""] = np.ascontiguousarray(arrays[""].transpose(_TO_CHANNELS_FIRST))
        return arrays

    def _read(self, first: int, count: int) -> dict[str, np.ndarray]:
        """The same, channels last."""
        count = min(count, self.num_samples - first)
        if not self._overridden:
            return self._dataset.load(first, count)
        return {"": np.stack([self._preprocess_checked(self._path(index)) for index in range(first, first + count)])}

    def _preprocess_checked(self, path: pathlib.Path) -> np.ndarray:
        """What a subclass makes of a file; its mistakes are found here."""
        sample = as_float32("", self.preprocess(path))
        if sample.ndim != 3 or sample.size == 0:
            raise Error(ErrorCode.DATASET, f"preprocess() gave shape {sample.shape}, not (height, width, channels)", str(path))
        if not np.isfinite(sample).all():
            raise Error(ErrorCode.DATASET, "preprocess() gave values that are no finite numbers", str(path))
        if sample.shape != (self._shape or sample.shape):
            raise Error(ErrorCode.DATASET, f"preprocess() gave shape {sample.shape}, before it {self._shape}", str(path))
        self._shape = sample.shape
        return sample

    # --- for other converters ---------------------------------------------------------------------------------------

    def generate_tflite_batches(self, model: Path | None = None) -> Iterator[Arrays]:
        """The same batches in the type of a .tflite model's inputs.

        With a model, each input's type, scale and zero point are read from the file: q = round(x / scale) + zero_point,
        halves to the even number, clipped to the type; float32 inputs get the values as they are. An input whose values
        are pixels (scale 1, and zero point -128 or, of uint8, 0) gets the picture's own. Images come in the layout of the
        model's input, channels first or last, whatever `layout` is.

        Without one: uint8 over the range that the declared preprocessing can give, from the lowest to the highest value
        over all channels, widened to hold 0: scale = (highest - lowest) / 255, zero_point = round(-lowest / scale);
        `input_quantization` gives them. With the preset "raw" these are the pixels themselves.

        Raises:
            Error: MODEL where the file can't be read; USAGE where its inputs are not those of the data, and where there
                is neither a model nor a declared range (arrays, and subclasses with their own preprocess), or the model
                takes pixels and a subclass makes something else of them.
        """
        if model is None:
            scale, zero_point = self.input_quantization()
            return (tflite_inputs.quantize(batch[""], "uint8", scale, zero_point) for batch in self._batches())
        inputs = self._inputs_of(model)
        return (
            _without_name({name: inputs[name].convert(self._values_for(inputs[name], array)) for name, array in batch.items()})
            for batch in self._batches()
        )

    def _values_for(self, model_input: tflite_inputs.TfliteInput, array: np.ndarray) -> np.ndarray:
        """Real values as the input means them: of images that are normalized here, the pixels where it takes these."""
        if not model_input.takes_pixels or self._arrays:
            return array
        if self._overridden:
            message = "the model takes pixels, and which ones an own preprocess() stands for is not known"
            raise Error(ErrorCode.USAGE, message, f"input '{model_input.name}'")
        axis = 1 if self.layout == "NCHW" else -1
        return tflite_inputs.pixels_of(array, json.loads(self._dataset.preprocessing), axis)

    def input_quantization(self) -> tuple[float, int]:
        """Scale and zero point of `generate_tflite_batches()` without a model: real = scale * (q - zero_point).

        Raises:
            Error: USAGE where the range is not declared: arrays, and subclasses with their own preprocess.
        """
        if self._overridden or self._dataset.value_range is None:
            raise Error(ErrorCode.USAGE, "the range of arrays, and of an own preprocess(), is not declared; name the model")
        return tflite_inputs.uint8_quantization(*self._dataset.value_range)

    def as_calibration_data(
        self, signature: str = "serving_default", input_name: str | None = None, model: Path | None = None
    ) -> dict[str, CalibrationSamples]:
        """Calibration data for ai-edge-quantizer's `Quantizer.calibrate`: {signature: samples}, each sample a mapping
        {input name: float32 [1, ...]}. It is read when the quantizer runs it, so the number of samples needs no memory.

        Args:
            signature: of the model; files that calib8 and litert-torch write have one, "serving_default".
            input_name: of the model's only input; "image" in files that calib8 writes from checkpoints.
            model: a .tflite file, from which input_name (where it is None) and the layout are taken.
        """
        data_names = self._dataset.input_names
        inputs = self._inputs_of(model) if model is not None else {}
        model_names = {name: inputs[name].name if inputs else name or input_name or "image" for name in data_names}
        if input_name is not None and len(data_names) == 1:
            model_names = {data_names[0]: input_name}

        def load(index: int) -> dict[str, np.ndarray]:
            arrays = self._load(index, 1)
            return {model_names[name]: inputs[name].fit(array) if inputs else array for name, array in arrays.items()}

        return {signature: CalibrationSamples(load, self.num_samples, list(model_names.values()))}

    def _inputs_of(self, model: Path) -> dict[str, tflite_inputs.TfliteInput]:
        """The model's inputs by the data's names for them."""
        return tflite_inputs.assign_inputs(tflite_inputs.read_tflite_inputs(model), self._dataset.input_names, model)


def _at_least_one(name: str, value: int) -> int:
    """A number of samples, of whatever integer type."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise Error(ErrorCode.USAGE, f"{value!r} is no number of samples", name)
    return number


def _without_name(batch: dict[str, Any]) -> Any:
    """What belongs to an only input."""
    return next(iter(batch.values())) if len(batch) == 1 else batch
