"""Makes the example's data: pictures of drawn shapes on noisy backgrounds, in YOLO's layout. The same seed makes the same pictures.

    python make_data.py data --train 600 --val 200
"""

from __future__ import annotations

import argparse
import pathlib

import numpy as np
from PIL import Image, ImageDraw

CLASSES = ["circle", "square", "triangle"]
EMPTY = 0.08  # share of pictures without an object


def background(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Clouds in two colours with noise on top."""
    coarse = rng.random((4, 5, 1))
    clouds = np.asarray(Image.fromarray((coarse[..., 0] * 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC))[..., None] / 255
    first, second = rng.uniform(0, 255, (2, 3))
    pixels = first * clouds + second * (1 - clouds) + rng.normal(0, 14, (height, width, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def outline(kind: int, x: float, y: float, radius: float, turn: float) -> np.ndarray:
    corners = {0: 48, 1: 4, 2: 3}[kind]
    angles = turn + np.arange(corners) * 2 * np.pi / corners
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1)


def draw(rng: np.random.Generator) -> tuple[Image.Image, list[tuple[int, np.ndarray]]]:
    """A picture, and class and bounding box (left, top, right, bottom, pixels) of each shape in it."""
    width, height = (160, int(rng.integers(100, 161)))[:: rng.choice([1, -1])]
    picture = background(rng, width, height)
    pen, objects = ImageDraw.Draw(picture), []
    for _ in range(0 if rng.random() < EMPTY else rng.integers(1, 6)):
        for _ in range(20):  # places until one is free
            kind, radius = int(rng.integers(0, 3)), rng.uniform(8, 30)
            points = outline(kind, rng.uniform(radius, width - radius), rng.uniform(radius, height - radius), radius, rng.uniform(0, 7))
            box = np.concatenate([points.min(0), points.max(0)]).clip(0, [width, height, width, height])
            if all(box[0] > other[2] or other[0] > box[2] or box[1] > other[3] or other[1] > box[3] for _, other in objects):
                break
        else:
            continue
        pen.polygon([tuple(point) for point in points], fill=tuple(int(value) for value in rng.integers(0, 256, 3)))
        objects.append((kind, box))
    return picture, objects


def write(folder: pathlib.Path, split: str, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for kind in ("images", "labels"):
        (folder / kind / split).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture, objects = draw(rng)
        picture.save(folder / "images" / split / f"{number:04d}.jpg", quality=85)
        lines = []
        for kind, (left, top, right, bottom) in objects:
            shares = ((left + right) / 2 / picture.width, (top + bottom) / 2 / picture.height, (right - left) / picture.width, (bottom - top) / picture.height)
            lines.append(f"{kind} " + " ".join(f"{share:.6f}" for share in shares))
        (folder / "labels" / split / f"{number:04d}.txt").write_text("".join(line + "\n" for line in lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--train", type=int, default=0)
    parser.add_argument("--val", type=int, default=200)
    given = parser.parse_args()
    if given.train:
        write(given.folder, "train", given.train, 1)
    write(given.folder, "val", given.val, 2)
    train = "train: images/train\n" if given.train else ""
    names = "".join(f"  {index}: {name}\n" for index, name in enumerate(CLASSES))
    (given.folder / "data.yaml").write_text(f"{train}val: images/val\nnames:\n{names}")


if __name__ == "__main__":
    main()
