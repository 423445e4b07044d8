"""int8 quality on the digits that ship with the repository, on all images that weren't calibrated on."""

import json

import measure
import numpy as np
import peer
from support import images, runtimes

EXAMPLE = peer.ROOT / "examples" / "digits"


def main():
    options = peer.peer_arguments(__doc__, photos=False).parse_args()
    folder = options.work / "digits"
    checkpoint, data = EXAMPLE / "efficientnet_b0_digits.pth", EXAMPLE / "data"
    peer.run_calib8(options.calib8, checkpoint, data, folder / "calib8")
    report = json.loads((folder / "calib8" / "model.tflite.quantization_metadata").read_text())
    height, width = report["model"]["input_size"]
    calibration = peer.calibration_images(folder / "calib8", data)
    peer.run_peer(options.peer_python, {"kind": "digits", "checkpoint": checkpoint}, (height, width), calibration, folder / "peer")

    test = [path for path in images.image_files(data) if path not in set(calibration)]
    labels = np.array([int(path.parent.name) for path in test])
    inputs = images.batch(test, height, width)
    reference = runtimes.run_onnx(folder / "calib8" / "model.onnx", inputs)
    rows = [{"model": "float", "images": len(test), "top-1 %": 100 * float(np.mean(reference.argmax(1) == labels))}]
    for name in ("calib8", "peer"):
        logits = runtimes.run_tflite(folder / name / "model.tflite", inputs)
        rows.append({
            "model": name, "images": len(test), "top-1 %": 100 * float(np.mean(logits.argmax(1) == labels)),
            "agreement %": 100 * float(np.mean(logits.argmax(1) == reference.argmax(1))),
            "dB": runtimes.sqnr(reference, logits),
        })  # fmt: skip
    goals = [
        ("at least 500 images", len(test) >= 500),
        ("at most 0.5 points of top-1 lost", rows[0]["top-1 %"] - rows[1]["top-1 %"] <= 0.5),
        ("at least 28 dB", rows[1]["dB"] >= 28),
        ("10 dB above the peer", rows[1]["dB"] >= rows[2]["dB"] + 10),
    ]
    measure.show("digits, int8 against float", rows, goals, options.json)


if __name__ == "__main__":
    main()
