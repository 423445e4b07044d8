"""Every architecture's files against PyTorch on photos that weren't calibrated on, and int8 against the peer's.

ONNX Runtime on model.onnx: the largest difference, as a share of the largest logit. LiteRT on the float32 file, beside
PyTorch's own float32 against its float64. int8: the peer's file on the same photos, XNNPACK's partition, and how far the
built-in kernels are from XNNPACK. SQNR is centred (the signal is the reference less its mean per logit over the photos)
but where a column says plain."""

import pathlib
import shutil

import measure
import numpy as np
import peer
import torch
from support import images, runtimes, torchvision_models

SIZE = 224


def float_columns(options, pair: peer.Pair, model: torch.nn.Module, inputs: np.ndarray, reference: np.ndarray) -> dict:
    onnx = runtimes.run_onnx(pair.ours.with_name("model.onnx"), inputs)
    folder = pair.ours.parent.parent / "float"
    shutil.rmtree(folder, ignore_errors=True)
    measure.run([options.calib8, "export", "--checkpoint", pair.checkpoint, "--quantize", "none", "--output-dir", folder])
    tflite = runtimes.run_tflite(folder / "model.tflite", inputs)
    shutil.rmtree(folder)
    exact = torchvision_models.logits(model, images.to_torch(inputs), torch.float64).numpy()
    return {
        "ONNX difference": float(np.abs(onnx - reference).max() / np.abs(reference).max()),
        "float32 dB plain": runtimes.sqnr(reference, tflite, centred=False),
        "PyTorch dB plain": runtimes.sqnr(exact, reference, centred=False),
        "float32 dB": runtimes.sqnr(reference, tflite),
        "PyTorch dB": runtimes.sqnr(exact, reference),
    }


def int8_columns(ours: pathlib.Path, peers: pathlib.Path, inputs: np.ndarray, reference: np.ndarray, few: int) -> dict:
    logits = runtimes.run_tflite(ours, inputs)
    builtin = runtimes.run_tflite(ours, inputs[:few], builtin=True)
    columns = {
        "int8 dB": runtimes.sqnr(reference, logits),
        "agreement %": 100 * float(np.mean(logits.argmax(1) == reference.argmax(1))),
        "built-in to XNNPACK dB": runtimes.sqnr(logits[:few], builtin),
        "the same, plain": runtimes.sqnr(logits[:few], builtin, centred=False),
        "float operators": len(runtimes.float_operators(ours)),
        "partition": runtimes.delegated_whole(ours) or "one",
    }
    if peers.exists():
        of_peer = runtimes.run_tflite(peers, inputs)
        of_peer_builtin = runtimes.run_tflite(peers, inputs[:few], builtin=True)
        columns |= {
            "peer dB": runtimes.sqnr(reference, of_peer),
            "peer agreement %": 100 * float(np.mean(of_peer.argmax(1) == reference.argmax(1))),
            "peer's built-in, plain": runtimes.sqnr(of_peer[:few], of_peer_builtin, centred=False),
        }
    return columns


def main():
    parser = peer.peer_arguments(__doc__)
    parser.add_argument("--arch", nargs="+", default=torchvision_models.ARCHITECTURES)
    parser.add_argument("--test-photos", type=int, default=64)
    parser.add_argument("--few-photos", type=int, default=8, help="of these, how many the float files and the built-in kernels run on")
    parser.add_argument("--reuse", action="store_true", help="keep the checkpoints and the peer's files of an earlier run")
    options = parser.parse_args()
    photos = peer.draw_photos(options.photos, options.test_photos)
    inputs = images.batch(photos.test, SIZE, SIZE)
    rows, goals = [], []
    for arch in options.arch:
        pair = peer.make_pair(options, arch, photos, options.reuse, peer_may_fail=True)
        model = torchvision_models.build(arch)
        model.load_state_dict(torch.load(pair.checkpoint, weights_only=True))
        reference = torchvision_models.logits(model, images.to_torch(inputs)).numpy()
        few = options.few_photos
        row = {
            "model": arch,
            **float_columns(options, pair, model, inputs[:few], reference[:few]),
            **int8_columns(pair.ours, pair.peers, inputs, reference, few),
        }
        rows.append(row)
        print({key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()}, flush=True)
        goals += [
            (f"{arch}: ONNX within 1e-5", row["ONNX difference"] <= 1e-5),
            (f"{arch}: float32 at least 95 dB", row["float32 dB plain"] >= 95),
            (f"{arch}: int8 integer, in one partition", row["float operators"] == 0 and row["partition"] == "one"),
            (f"{arch}: int8 at least the peer's", "peer dB" not in row or row["int8 dB"] >= row["peer dB"]),
            (f"{arch}: kernels within 30 dB, plain", row["the same, plain"] >= 30),
        ]
    measure.show(f"fidelity on {len(inputs)} photos", rows, goals, options.json)


if __name__ == "__main__":
    main()
