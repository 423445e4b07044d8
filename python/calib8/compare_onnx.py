"""The Python half of --verify-onnx: runs model.onnx on ONNX Runtime and compares it with outputs that are given.

    python -m calib8.compare_onnx MODEL.onnx FOLDER 1,224,224,3

FOLDER holds inputs.f32 and outputs.f32, float32, samples one behind the other; the inputs have the given shape, channels
last where there are four sizes. Prints a JSON object. Exit status 3 where onnxruntime can't be imported.
"""

import json
import pathlib
import sys

import numpy as np

WITHOUT_ONNXRUNTIME = 3


def main() -> int:
    try:
        import onnxruntime
    except ImportError:
        return WITHOUT_ONNXRUNTIME
    model, folder, sizes = sys.argv[1:]
    shape = [int(size) for size in sizes.split(",")]
    inputs = np.fromfile(pathlib.Path(folder) / "inputs.f32", dtype=np.float32).reshape(-1, *shape)
    outputs = np.fromfile(pathlib.Path(folder) / "outputs.f32", dtype=np.float32).reshape(len(inputs), -1)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    largest_difference = 0.0
    for sample, output in zip(inputs, outputs):
        if len(shape) == 4:
            sample = np.ascontiguousarray(sample.transpose(0, 3, 1, 2))
        result = session.run(None, {name: sample})[0].reshape(-1)
        largest_difference = max(largest_difference, float(np.abs(result - output).max()))
    report = {
        "samples": len(inputs),
        "largest_difference": largest_difference,
        "largest_value": float(np.abs(outputs).max()),
    }
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
