"""A float .tflite as the model: what calib8 reads is what LiteRT runs."""

import numpy as np
import pytest
from conftest import run_calib8
from support.tflite_models import FACE_MODELS, face_model


def outputs_of(path, image):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


@pytest.mark.parametrize("name", FACE_MODELS)
def test_means_what_the_file_means(name, tmp_path):
    """Weights as float16, PRELU with slopes per channel, RESIZE_BILINEAR, channels that PAD adds."""
    size = FACE_MODELS[name]
    run_calib8("export", face_model(name), "--quantize", "none", "--output-dir", tmp_path, check=True)
    image = np.random.default_rng(0).uniform(-1, 1, (1, size, size, 3)).astype(np.float32)
    expected, found = outputs_of(face_model(name), image), outputs_of(tmp_path / "model.tflite", image)
    assert len(expected) == len(found)
    for one, other in zip(expected, found):
        assert one.shape == other.shape
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-4 * np.abs(one).max())
