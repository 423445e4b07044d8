"""Photos, or what passes for them: procedural pictures with the spectrum of natural scenes, edges and flat parts."""

from __future__ import annotations

import pathlib

import numpy as np
import torch
from PIL import Image, ImageDraw

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def natural_image(generator: np.random.Generator, height: int, width: int) -> Image.Image:
    """Coloured noise with amplitude 1/frequency, as natural scenes have it, and a few shapes over it."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1 / max(height, width)
    planes = []
    for _ in range(3):
        phase = np.exp(2j * np.pi * generator.random(frequency.shape))
        planes.append(np.fft.irfft2(phase / frequency, s=(height, width)))
    luminance = planes[0] / planes[0].std()
    colours = [luminance + 0.4 * plane / plane.std() for plane in planes]
    pixels = np.stack(colours, axis=2) * generator.uniform(20, 60) + generator.uniform(70, 180, 3)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(int(generator.integers(1, 6))):
        left, top = int(generator.integers(0, width)), int(generator.integers(0, height))
        box = [left, top, left + int(generator.integers(5, width)), top + int(generator.integers(5, height))]
        colour = tuple(int(value) for value in generator.integers(0, 256, 3))
        (draw.ellipse if generator.random() < 0.5 else draw.rectangle)(box, fill=colour)
    return image


def write_images(folder: pathlib.Path, count: int, seed: int = 0, height: int = 150, width: int = 200) -> list[pathlib.Path]:
    """`count` JPEG files of natural_image()."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    paths = [folder / f"{number:04}.jpg" for number in range(count)]
    for path in paths:
        natural_image(generator, height, width).save(path, quality=90)
    return paths


def image_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """The JPEG and PNG files below a folder, in the order of their paths."""
    endings = {".jpg", ".jpeg", ".png"}
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings)


def preprocessed(path: pathlib.Path, height: int, width: int) -> np.ndarray:
    """What training makes of an image: float32 [height, width, 3]."""
    with Image.open(path) as image:
        resized = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    return (np.asarray(resized, np.float32) / 255 - MEAN) / DEVIATION


def batch(paths: list[pathlib.Path], height: int, width: int) -> np.ndarray:
    """float32 [N, height, width, 3]"""
    return np.stack([preprocessed(path, height, width) for path in paths])


def to_torch(images: np.ndarray) -> torch.Tensor:
    """[N, height, width, 3] -> [N, 3, height, width]"""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
