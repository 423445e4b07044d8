#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "image/image.h"
#include "image/resize.h"

namespace calib8 {

/// What a picture's size becomes before the center is cut out.
enum class ResizeMode {
  exact,          ///< Both sides as given; the picture's proportions are lost.
  shortest_side,  ///< The shortest side as given, the other one in proportion, rounded down (torchvision).
  cover,          ///< In proportion, so that height and width are both covered (timm's for oblong inputs).
  letterbox,      ///< In proportion, so that all of it fits in; the rest is padded (Ultralytics).
};

/// Whose arithmetic an interpolation follows. Pillow's filters widen where the picture shrinks
/// (antialiasing), OpenCV's do not.
enum class ResizeLibrary { pillow, opencv };

enum class ChannelOrder { rgb, bgr, gray };

/// What is done to a picture before the model sees it, as training did it, in this order: orientation, gray
/// where asked for, resize, center crop, channel order, scale, mean and deviation. The default is
/// torchvision's for ImageNet without a crop: Resize((224, 224)), ToTensor, Normalize.
struct Preprocessing {
  int height = 224;  ///< Pixels, at least 1: what the model takes, behind the crop.
  int width = 224;   ///< Likewise.
  Interpolation interpolation = Interpolation::bilinear;
  /// Per channel, in the order in which the model takes the channels, of the scaled values.
  std::vector<float> mean = {0.485f, 0.456f, 0.406f};
  std::vector<float> deviation = {0.229f, 0.224f, 0.225f};  ///< Standard deviation, likewise; not 0.
  ResizeLibrary library = ResizeLibrary::pillow;
  ResizeMode resize_mode = ResizeMode::exact;
  /// Size before the crop, in pixels; 0 stands for height and width (no crop). shortest_side uses
  /// resize_height alone, letterbox neither.
  int resize_height = 0;
  int resize_width = 0;
  int pad_value = 114;  ///< 0..255, of letterbox.
  ChannelOrder channel_order = ChannelOrder::rgb;
  double divisor = 255;           ///< The scaled value is pixel / divisor; not 0.
  bool exif_orientation = false;  ///< Whether the picture is turned as its EXIF data says.
  std::string name = "imagenet";  ///< The preset that it was made from, for people.
};

bool operator==(const Preprocessing& a, const Preprocessing& b);

/// 3, or 1 for gray.
int channel_count(const Preprocessing& preprocessing);

/// One line for a person: "resize to 224x224 (height x width, bilinear, antialiased), RGB, scale 1/255, mean
/// [...], std [...]".
std::string describe(const Preprocessing& preprocessing);

/// The same preprocessing for another input size; the size before the crop keeps its proportion to it,
/// rounded down.
Preprocessing for_input_size(Preprocessing preprocessing, int height, int width);

/// Where fit_image() puts a picture, in pixels: its size after the resize, and where its corner comes to lie
/// in the result (below 0 where the crop cuts it off). Fails with ErrorCode::dataset where a picture is so
/// oblong that it would have over kMaximumPixels before the crop.
struct Placement {
  std::int64_t height, width;
  std::int64_t top, left;
};
Placement placement_of(int height, int width, const Preprocessing& preprocessing);

/// The first part: the picture at the model's size, height x width, 8 bit RGB (gray: three equal channels,
/// as Pillow's convert("L") makes them). `exif_orientation` is the decoder's part. Fails as placement_of()
/// does.
Image fit_image(const Image& image, const Preprocessing& preprocessing);
/// The same in less memory, for a picture that isn't needed any more.
Image fit_image(Image&& image, const Preprocessing& preprocessing);

/// The second part: (pixel / divisor - mean) / deviation in float32, each step rounded as PyTorch does:
/// float32 [1, height, width, channel_count] from a picture that has its final size.
Tensor normalize(const Image& image, const Preprocessing& preprocessing);

/// The whole way from a decoded picture to float32 [1, height, width, channel_count]. With
/// ResizeLibrary::pillow to the same bits as torchvision's Resize and CenterCrop on a PIL image, ToTensor and
/// Normalize.
Tensor preprocess(const Image& image, const Preprocessing& preprocessing);

}  // namespace calib8
