"""Resizing and normalizing against Pillow and PyTorch: equal to the bit.

Pillow must be 13 or later: until 12, it changed the width first whatever the sizes.
"""

import random

import numpy as np
import pytest
import torch
from PIL import Image

from calib8 import _native as native

from support.image_files import picture

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def expected_tensor(image, height, width):
    resized = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    tensor = torch.from_numpy(resized.copy()).permute(2, 0, 1).to(torch.float32).div(255)
    return tensor.sub_(MEAN).div_(DEVIATION).permute(1, 2, 0).numpy()[None]


@pytest.mark.parametrize("seed", range(10))
def test_preprocessing_equals_pillow_and_torch(tmp_path, seed):
    """Random sizes, up and down; the seed is the test's parameter."""
    chooser = random.Random(seed)
    generator = np.random.default_rng(seed)
    path = tmp_path / "image.png"
    for _ in range(30):
        width, height, new_width, new_height = (
            chooser.choice([1, 2, 3, 8, 224, chooser.randint(1, 60), chooser.randint(1, 500)]) for _ in range(4)
        )
        image = Image.fromarray(picture(generator, width, height, 3))
        image.save(path, compress_level=1)
        np.testing.assert_array_equal(
            native.preprocess(str(path), new_height, new_width),
            expected_tensor(image, new_height, new_width),
            err_msg=f"{width}x{height} to {new_width}x{new_height}",
        )
