"""Models run by the runtimes that are the tests' oracles: ONNX Runtime and LiteRT."""

from __future__ import annotations

import pathlib

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from support import images

INTEGER_TYPES = {np.dtype(name) for name in ("int8", "uint8", "int16", "int32", "int64", "bool")}


def run_onnx(path: pathlib.Path, images: np.ndarray) -> np.ndarray:
    """Logits of images [N, H, W, 3], one at a time."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    rows = [session.run(None, {name: to_nchw(image[None])})[0][0] for image in images]
    return np.stack(rows).astype(np.float64)


def run_onnx_batch(path: pathlib.Path, images: np.ndarray) -> np.ndarray:
    """Logits of images [N, H, W, 3], all at once."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: to_nchw(images)})[0].astype(np.float64)


def to_nchw(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def interpreter(path: pathlib.Path, builtin: bool = False, threads: int = 1) -> Interpreter:
    """An allocated interpreter, on XNNPACK or on the built-in kernels alone."""
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if builtin else OpResolverType.AUTO
    made = Interpreter(str(path), num_threads=threads, experimental_op_resolver_type=resolver)
    made.allocate_tensors()
    return made


def takes_pixels(details: dict) -> bool:
    """Whether a model's input means pixels, 0 to 255, each by an integer of its own."""
    return details["quantization"] == {np.int8: (1.0, -128), np.uint8: (1.0, 0)}.get(details["dtype"])


def quantize(values: np.ndarray, details: dict) -> np.ndarray:
    """Real values in the type of a model's input; images normalized as images.preprocessed() does it as pixels, where it
    takes these."""
    if details["dtype"] == np.float32:
        return values
    scale, zero_point = details["quantization"]
    if takes_pixels(details) and np.abs(values).max() < 3:
        values = np.rint((values * images.DEVIATION + images.MEAN) * 255)
    limits = np.iinfo(details["dtype"])
    return np.clip(np.rint(values / scale) + zero_point, limits.min, limits.max).astype(details["dtype"])


def dequantize(values: np.ndarray, details: dict) -> np.ndarray:
    if details["dtype"] == np.float32:
        return values.astype(np.float64)
    scale, zero_point = details["quantization"]
    return (values.astype(np.float64) - zero_point) * scale


def run_tflite(path: pathlib.Path, images: np.ndarray, builtin: bool = False, threads: int = 2) -> np.ndarray:
    """Logits, as real numbers, of images [N, H, W, 3] in the real input domain."""
    model = interpreter(path, builtin, threads)
    (source,), (sink,) = model.get_input_details(), model.get_output_details()
    channels_first = source["shape"][1] == 3 and source["shape"][-1] != 3
    rows = []
    for image in images:
        values = image[None].transpose(0, 3, 1, 2) if channels_first else image[None]
        model.set_tensor(source["index"], quantize(np.ascontiguousarray(values), source))
        model.invoke()
        rows.append(dequantize(model.get_tensor(sink["index"])[0], sink))
    return np.stack(rows)


def delegated_whole(path: pathlib.Path) -> str:
    """Empty where every operator runs in one XNNPACK partition; else what keeps the model from it."""
    model = interpreter(path)
    operators = model._get_ops_details()
    delegates = [op for op in operators if op["op_name"] == "DELEGATE"]
    own = [op for op in operators if op["op_name"] != "DELEGATE"]
    if len(delegates) != 1:
        return f"{len(delegates)} partitions"
    written = {int(index) for op in own for index in op["outputs"]}
    read = {int(index) for index in delegates[0]["inputs"]}
    outputs = {details["index"] for details in model.get_output_details()}
    if read & written:
        return f"the partition reads results of others: {sorted(read & written)}"
    if {int(index) for index in delegates[0]["outputs"]} != outputs:
        return "the partition doesn't write the model's outputs"
    return ""


def float_operators(path: pathlib.Path) -> list[str]:
    """Operators that read or write a tensor that isn't an integer one."""
    model = interpreter(path, builtin=True)
    types = {details["index"]: np.dtype(details["dtype"]) for details in model.get_tensor_details()}
    return [
        f"{op['op_name']} #{op['index']}"
        for op in model._get_ops_details()
        if any(types.get(int(index), np.dtype("int8")) not in INTEGER_TYPES for index in (*op["inputs"], *op["outputs"]))
    ]


def sqnr(reference: np.ndarray, actual: np.ndarray, centred: bool = True) -> float:
    """Signal to noise in decibels. Centred, the signal is what differs between images: reference [N, classes] less its
    mean per class, so that a constant part of the logits doesn't count as signal."""
    signal = reference - reference.mean(axis=0) if centred else reference
    noise = ((actual - reference) ** 2).sum()
    return float(10 * np.log10((signal**2).sum() / noise)) if noise > 0 else float("inf")
