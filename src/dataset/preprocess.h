#pragma once

#include <array>
#include <string>

#include "base/tensor.h"
#include "dataset/image.h"
#include "dataset/resize.h"

namespace calib8 {

/// What is done to a picture before the model sees it, as training did it. The default is torchvision's for
/// ImageNet without a crop: Resize((224, 224)), ToTensor, Normalize.
struct Preprocessing {
  int height = 224;  ///< Pixels, at least 1.
  int width = 224;   ///< Pixels, at least 1.
  Interpolation interpolation = Interpolation::bilinear;
  std::array<float, 3> mean = {0.485f, 0.456f,
                               0.406f};  ///< Per channel (red, green, blue), of values in 0..1.
  std::array<float, 3> deviation = {0.229f, 0.224f, 0.225f};  ///< Standard deviation, likewise.
};

/// One line for a person: "resize to 224x224 (bilinear, antialiased), RGB, scale 1/255, mean [...], std
/// [...]".
std::string describe(const Preprocessing& preprocessing);

/// (pixel / 255 - mean) / deviation in float32, each step rounded as PyTorch does: float32 [1, height, width,
/// 3] from a picture that has its final size.
Tensor normalize(const Image& image, const Preprocessing& preprocessing);

/// The whole way from a decoded picture to float32 [1, height, width, 3], to the same bits as
/// torchvision's Resize((height, width)) on a PIL image, ToTensor and Normalize.
Tensor preprocess(const Image& image, const Preprocessing& preprocessing);

}  // namespace calib8
