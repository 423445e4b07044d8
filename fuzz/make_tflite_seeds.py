"""Writes small valid .tflite models, one for each operator and a few for what else a file can say, into
fuzz/corpus/tflite/.

Needs ai-edge-litert, flatbuffers and numpy. Run from anywhere; the files are the same every time.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support import tflite_builder as builder  # noqa: E402

FOLDER = ROOT / "fuzz" / "corpus" / "tflite"
schema = builder.schema


def half_weights():
    """FULLY_CONNECTED whose weights are float16 behind a DEQUANTIZE."""
    model = builder.operator_model("FULLY_CONNECTED")
    graph = model.subgraphs[0]
    weights = graph.tensors[1]
    buffer = model.buffers[weights.buffer]
    buffer.data = np.frombuffer(np.frombuffer(bytes(buffer.data), np.float32).astype(np.float16).tobytes(), np.uint8)
    wide = schema.TensorT()
    wide.name, wide.shape, wide.type, wide.buffer = "wide", weights.shape, schema.TensorType.FLOAT32, 0
    graph.tensors.append(wide)
    weights.type = schema.TensorType.FLOAT16
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    model.operatorCodes.append(code)
    dequantize = schema.OperatorT()
    dequantize.opcodeIndex = 1
    dequantize.inputs, dequantize.outputs = np.array([1], np.int32), np.array([len(graph.tensors) - 1], np.int32)
    graph.operators[0].inputs = np.array([0, len(graph.tensors) - 1, 2], np.int32)
    graph.operators.insert(0, dequantize)
    return model


def int8_weights():
    """CONV_2D in float whose weights are int8, a scale per channel; with a signature."""
    model = builder.operator_model("CONV_2D")
    graph = model.subgraphs[0]
    weights = graph.tensors[1]
    buffer = model.buffers[weights.buffer]
    values = np.frombuffer(bytes(buffer.data), np.float32)
    buffer.data = np.frombuffer(np.rint(values * 127).astype(np.int8).tobytes(), np.uint8)
    weights.type = schema.TensorType.INT8
    channels = int(weights.shape[0])
    weights.quantization = builder.quantization([1 / 127] * channels, [0] * channels)
    signature, x, y = schema.SignatureDefT(), schema.TensorMapT(), schema.TensorMapT()
    x.name, x.tensorIndex, y.name, y.tensorIndex = "image", int(graph.inputs[0]), "result", int(graph.outputs[0])
    signature.signatureKey, signature.inputs, signature.outputs = "serving_default", [x], [y]
    model.signatureDefs = [signature]
    return model


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    models = [builder.operator_model(name) for name in builder.OPERATORS] + [half_weights(), int8_weights()]
    for model in models:
        data = builder.pack(model)
        (FOLDER / hashlib.sha1(data).hexdigest()).write_bytes(data)
    print(f"{len(models)} files in {FOLDER}")


if __name__ == "__main__":
    main()
