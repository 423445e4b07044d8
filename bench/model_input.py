"""What pixels as the input are worth: one ONNX image classifier exported with each --model-input, over several seeds.

Each export's int8 file runs on LiteRT on photos that none of them has seen, fed as its metadata says, against ONNX Runtime's run of
the model. bench/efficientnet_lite0.py makes EfficientNet-Lite0's file."""

import argparse
import json
import pathlib
import tempfile

import measure
import numpy as np
import peer
from support import images, runtimes

KINDS = ("normalized", "pixels", "auto")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calib8", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="an .onnx classifier of images, normalized as ImageNet's")
    parser.add_argument("--photos", type=pathlib.Path, required=True, help="folder of real photos, JPEG")
    parser.add_argument("--test-photos", type=int, default=300)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--effort", default="balanced")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()

    paths = images.image_files(options.photos)
    chosen = np.random.default_rng(0).permutation(len(paths))
    test = [paths[i] for i in chosen[: options.test_photos]]
    inputs = images.batch(test, options.size, options.size)
    reference = runtimes.run_onnx(options.model, inputs)
    rows = []
    with tempfile.TemporaryDirectory() as work:
        data = peer.link_images([paths[i] for i in chosen[options.test_photos :]], pathlib.Path(work) / "photos")
        for seed in range(options.seeds):
            for kind in KINDS:
                folder = pathlib.Path(work) / f"{kind}{seed}"
                measure.run([options.calib8, "export", options.model, "--dataset-dir", data, "--output-dir", folder, "--model-input", kind,
                             "--seed", seed, "--effort", options.effort, "--min-agreement", "0"])  # fmt: skip
                report = json.loads((folder / "model.tflite.quantization_metadata").read_text())
                logits = runtimes.run_tflite(folder / "model.tflite", inputs)
                rows.append({
                    "--model-input": kind, "seed": seed, "takes": report["model_input"]["takes"],
                    "dB": runtimes.sqnr(reference, logits),
                    "agreement %": 100 * float(np.mean(logits.argmax(1) == reference.argmax(1))),
                    "ms": report["measured"]["verification"]["latency"]["quantized_milliseconds"],
                    "recipe": report["quantization"]["recipe"],
                })  # fmt: skip
                print(rows[-1], flush=True)
    for kind in KINDS:
        values = [row["dB"] for row in rows if row["--model-input"] == kind]
        agreement = [row["agreement %"] for row in rows if row["--model-input"] == kind]
        error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
        rows.append({"--model-input": kind, "seed": "mean", "dB": float(np.mean(values)), "dB +-": float(error),
                     "agreement %": float(np.mean(agreement))})  # fmt: skip
    measure.show(f"{options.model.name}, {len(inputs)} photos", rows, [], options.json)


if __name__ == "__main__":
    main()
