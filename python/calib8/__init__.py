"""calib8: from a trained PyTorch model to a calibrated, verified int8 TFLite model.

    import calib8
    result = calib8.export("model.pth", dataset_dir="ml/data")
    print(result.summary)
"""

from calib8._native import version as __version__
from calib8.comparison import CompareResult, compare
from calib8.errors import Error, ErrorCode
from calib8.exporter import ExportResult, ModelExporter, export
from calib8.options import ExportOptions
from calib8.representative_data import RepresentativeDataGenerator

__all__ = [
    "CompareResult", "Error", "ErrorCode", "ExportOptions", "ExportResult", "ModelExporter", "RepresentativeDataGenerator", "compare", "export",
    "__version__",
]  # fmt: skip
