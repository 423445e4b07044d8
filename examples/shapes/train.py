"""Trains the example's detector, a YOLOv8n, from nothing: about half an hour on two cores. Needs ultralytics.

    python make_data.py /tmp/shapes --train 600 --val 200
    python train.py /tmp/shapes --epochs 60
"""

from __future__ import annotations

import argparse
import pathlib
import shutil


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path, help="what make_data.py made, with a train split")
    parser.add_argument("--model", default="yolov8n.yaml")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent / "yolov8n_shapes.pt")
    given = parser.parse_args()
    from ultralytics import YOLO

    yaml = given.data.resolve() / "data.yaml"
    if "path:" not in (text := yaml.read_text()):
        yaml.write_text(f"path: {yaml.parent}\n{text}")
    model = YOLO(given.model)
    model.train(data=yaml, epochs=given.epochs, imgsz=given.size, batch=16, workers=0, device="cpu", seed=0, plots=False, val=False, mosaic=0.5,
                close_mosaic=10, warmup_epochs=1, optimizer="AdamW", lr0=0.002, cos_lr=True, project=given.data.resolve() / "runs", name="shapes", exist_ok=True)  # fmt: skip
    shutil.copyfile(given.data / "runs/shapes/weights/last.pt", given.output)


if __name__ == "__main__":
    main()
