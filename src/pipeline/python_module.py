"""The code of the modules that `calib8 dataset --create-module` writes.

A module is put together from the parts below, each from its line "# part: ..." to the next one, behind constants that
describe the samples. What stands before the first part is for the tests of the parts alone.
"""

import hashlib
import os

import numpy as np
from PIL import Image, ImageOps

ROOT, SAMPLES, INPUTS, CHANNELS_FIRST = ".", (), (), False
HEIGHT, WIDTH, RESIZE_HEIGHT, RESIZE_WIDTH = 224, 224, 224, 224
EXIF_ORIENTATION, CHANNEL_ORDER, RESIZE_MODE, INTERPOLATION, PAD = False, "rgb", "exact", "bilinear", 114
DIVISOR, MEAN, STD = 255, (0.5,), (0.5,)

# part: decode


def load(path):
    """The picture as Pillow's RGB image."""
    if path.lower().endswith((".heic", ".heif")):
        import pillow_heif  # Pillow has no decoder of its own for these

        pillow_heif.register_heif_opener()
    with Image.open(path) as image:
        if EXIF_ORIENTATION:
            image = ImageOps.exif_transpose(image)
        return image.convert("RGB")


# part: resize-pillow


def resize(image, height, width):
    """By Pillow 13's filters; Pillow 12 and older may differ by one level of 255."""
    filters = {
        "nearest": Image.NEAREST,
        "bilinear": Image.BILINEAR,
        "bicubic": Image.BICUBIC,
        "lanczos": Image.LANCZOS,
    }
    return np.asarray(image.resize((width, height), filters[INTERPOLATION]))


# part: resize-opencv


def resize(image, height, width):
    """By OpenCV, without antialiasing, as training did it; calib8's own is within one level of 255."""
    filters = {
        "nearest": cv2.INTER_NEAREST,
        "bilinear": cv2.INTER_LINEAR,
        "bicubic": cv2.INTER_CUBIC,
        "lanczos": cv2.INTER_LANCZOS4,
    }
    return cv2.resize(np.asarray(image), (width, height), interpolation=filters[INTERPOLATION])


# part: fit


def resized_size(height, width):
    """Height and width before the crop."""
    if RESIZE_MODE == "shortest-side":
        if width <= height:
            return RESIZE_HEIGHT * height // width, RESIZE_HEIGHT
        return RESIZE_HEIGHT, RESIZE_HEIGHT * width // height
    if RESIZE_MODE == "cover":
        ratio = min(height / RESIZE_HEIGHT, width / RESIZE_WIDTH)
        return round(height / ratio), round(width / ratio)
    if RESIZE_MODE == "letterbox":
        ratio = min(HEIGHT / height, WIDTH / width)
        return max(1, round(height * ratio)), max(1, round(width * ratio))
    return RESIZE_HEIGHT, RESIZE_WIDTH


def offset(size, wanted):
    """Where a side of that size begins in the result; below 0 where it is cut."""
    if RESIZE_MODE == "letterbox":
        return round((wanted - size) / 2 - 0.1)
    return (wanted - size) // 2 if size < wanted else -round((size - wanted) / 2)


def fit(image):
    """uint8 [HEIGHT, WIDTH, channels] of a Pillow image: resized, and cut or padded."""
    if CHANNEL_ORDER == "gray":
        image = image.convert("L")
    height, width = resized_size(image.height, image.width)
    pixels = resize(image, height, width).reshape(height, width, -1)
    top, left = offset(height, HEIGHT), offset(width, WIDTH)
    pixels = pixels[max(0, -top) :, max(0, -left) :][: HEIGHT - max(0, top), : WIDTH - max(0, left)]
    fitted = np.full((HEIGHT, WIDTH, pixels.shape[2]), PAD if RESIZE_MODE == "letterbox" else 0, np.uint8)
    fitted[max(0, top) :, max(0, left) :][: pixels.shape[0], : pixels.shape[1]] = pixels
    return fitted[:, :, ::-1] if CHANNEL_ORDER == "bgr" else fitted


def preprocess(image):
    """float32 [1, HEIGHT, WIDTH, channels] of a Pillow image."""
    values = fit(image).astype(np.float32) / np.float32(DIVISOR)
    return ((values - np.array(MEAN, np.float32)) / np.array(STD, np.float32))[np.newaxis]


def samples(root=ROOT, check=False):
    """Yields (arrays of one sample by input, class or None). With check, a changed file is an error."""
    for path, label, sha256 in SAMPLES:
        file = os.path.join(root, path)
        if check:
            with open(file, "rb") as content:
                if hashlib.sha256(content.read()).hexdigest() != sha256:
                    raise ValueError("%r is not the file that was chosen: its SHA-256 is another" % file)
        yield [preprocess(load(file))], label


# part: arrays


def read_row(arrays, name, shape, row):
    """float32 [1, ...] of one input: a row of a batch, or the whole array; channels that come first are put last."""
    array = arrays[name if name in arrays else next(iter(arrays))]
    value = array[row] if array.ndim == len(shape) else array
    both = len(shape) == 4 and shape[1] == shape[2] == shape[3]
    fits_first = len(shape) == 4 and value.shape == (shape[3], shape[1], shape[2])
    if CHANNELS_FIRST if both else fits_first and value.shape != shape[1:]:
        value = np.moveaxis(value, 0, -1)
    if value.shape != shape[1:]:
        raise ValueError("an array %r doesn't fit the input %r" % (array.shape, shape))
    return np.ascontiguousarray(value, np.float32)[np.newaxis]


def samples(root=ROOT, check=False):
    """Yields (arrays of one sample by input, class or None). With check, a changed file is an error."""
    for path, label, row, sha256 in SAMPLES:
        file = os.path.join(root, path)
        loaded = np.load(file, mmap_mode="r", allow_pickle=False)
        arrays = {"": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
        values = [read_row(arrays, name, shape, row) for name, shape in INPUTS]
        if check:
            named = sorted(zip((name for name, _ in INPUTS), values), key=lambda item: os.fsencode(item[0]))
            if hashlib.sha256(b"".join(value.tobytes() for _, value in named)).hexdigest() != sha256:
                raise ValueError("%r is not the array that was chosen: its SHA-256 is another" % file)
        yield values, label


# part: batches


def representative_dataset():
    """As TensorFlow Lite's converter takes it: yields lists of one array [1, ...] an input."""
    for values, _ in samples():
        yield values


def batches(batch_size=1, root=ROOT, check=False):
    """Yields arrays [N, ...] of batch_size samples, the last perhaps of fewer; a list of them for several inputs."""
    held = []
    for values, _ in samples(root, check):
        held.append(values)
        if len(held) == batch_size:
            yield joined(held)
            held = []
    if held:
        yield joined(held)


def joined(held):
    arrays = [np.concatenate(of_input) for of_input in zip(*held)]
    return arrays[0] if len(arrays) == 1 else arrays


if __name__ == "__main__":
    for number, batch in enumerate(batches(check=True)):
        for array in batch if isinstance(batch, list) else [batch]:
            print(number, array.shape, array.dtype, array.min(), array.max(), array.mean())
