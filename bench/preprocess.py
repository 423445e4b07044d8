"""Decode, resize to 224x224 and normalize on one core: calib8 against Pillow with NumPy, on the same photos in turn.

The large photos are the small ones enlarged, with a camera's noise added, so that a file has about as many bytes as one from
a camera, on which the time of decoding depends; the table shows them.
"""

import argparse
import os
import pathlib
import time

import measure
import numpy as np
import peer  # noqa: F401  (finds the tests' support)
from PIL import Image
from support import images

from calib8 import _native as native

MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)
SIZE = 224


def resize(image, size):
    pixels = np.asarray(image.resize(size, Image.Resampling.LANCZOS), dtype=np.float32)
    if size[0] > image.width:
        noise = np.random.default_rng(0).normal(0, 4, (500, 500, 3)).astype(np.float32)
        pixels = pixels + np.tile(noise, (size[1] // 500 + 1, size[0] // 500 + 1, 1))[: size[1], : size[0]]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def prepare(photos, count, size, folder):
    """`count` photos of exactly that size: as they are where they have it, else resized and stored again."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for source in images.image_files(photos):
        if len(paths) == count:
            break
        with Image.open(source) as image:
            if image.size == size:
                paths.append(source)
                continue
            if (image.width < image.height) != (size[0] < size[1]):
                continue
            path = folder / f"{source.stem}_{size[0]}x{size[1]}.jpg"
            if not path.exists():
                resize(image.convert("RGB"), size).save(path, quality=90)
            paths.append(path)
    assert len(paths) == count, f"{len(paths)} of {count} photos found under {photos}"
    return paths


def by_pillow(path):
    with Image.open(path) as image:
        if image.mode != "RGB":
            image = image.convert("RGB")
        pixels = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BILINEAR), dtype=np.float32)
    pixels /= 255
    pixels -= MEAN
    pixels /= DEVIATION
    return pixels[None]


def by_calib8(path):
    return native.preprocess(path, SIZE, SIZE)


def compare(paths, rounds):
    """Seconds per photo of each: the least over the rounds of each photo's time, summed over the photos."""
    times = {by_pillow: np.full(len(paths), np.inf), by_calib8: np.full(len(paths), np.inf)}
    for _ in range(rounds):
        for index, path in enumerate(paths):
            results = []
            for function, least in times.items():
                start = time.perf_counter()
                results.append(function(path))
                least[index] = min(least[index], time.perf_counter() - start)
            assert np.array_equal(*results), path
    return times[by_pillow].mean(), times[by_calib8].mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=pathlib.Path, required=True, help="a folder of JPEG photos")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/bench"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rows, goals = [], []
    for size, goal in [((500, 375), 1.6), ((4000, 3000), 1.3)]:
        paths = prepare(options.photos, options.count, size, options.work / "preprocess")
        name = f"{size[0]}x{size[1]}"
        pillow, own = compare([str(path) for path in paths], options.rounds)
        mean_bytes = np.mean([path.stat().st_size for path in paths])
        rows.append({"photos": name, "kB": mean_bytes / 1e3, "Pillow ms": 1e3 * pillow, "calib8 ms": 1e3 * own,
                     "times faster": pillow / own})  # fmt: skip
        goals.append((f"{name}: at least {goal} times", bool(pillow / own >= goal)))
    measure.show("decode, resize and normalize on one core", rows, goals, options.json)


if __name__ == "__main__":
    main()
