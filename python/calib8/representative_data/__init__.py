"""Representative data for calib8 or any other converter: the images of a folder, preprocessed as in training.

    generator = calib8.RepresentativeDataGenerator("ml/data", num_samples=100)
    generator.print_summary()
    for batch in generator:
        ...                       # float32 [1, 224, 224, 3]

`python -m calib8.representative_data` takes the flags of `calib8 dataset`.
"""

from calib8.representative_data.generator import RepresentativeDataGenerator

__all__ = ["RepresentativeDataGenerator"]
