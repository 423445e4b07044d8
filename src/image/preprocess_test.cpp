#include "image/preprocess.h"

#include <gtest/gtest.h>

#include "image/test_images.h"

namespace calib8 {
namespace {

TEST(Preprocess, ValuesAreNormalizedPerChannel) {
  const Image image{2, 1, {0, 128, 255, 255, 0, 128}};
  const Tensor tensor = preprocess(image, {.height = 1, .width = 2});
  EXPECT_EQ(tensor.shape, (Shape{1, 1, 2, 3}));
  // By torchvision's ToTensor and Normalize with PyTorch 2.13.
  const std::vector<float> expected = {-2.117903947830200f, 0.205182194709778f,  2.640000104904175f,
                                       2.248908281326294f,  -2.035714149475098f, 0.426492571830750f};
  const auto values = tensor.as<float>();
  EXPECT_EQ(std::vector<float>(values.begin(), values.end()), expected);
}

TEST(Preprocess, TheSizeIsTheModels) {
  const Image image{31, 17, test::random_bytes(31 * 17 * 3, 1)};
  EXPECT_EQ(preprocess(image, {.height = 225, .width = 161}).shape, (Shape{1, 225, 161, 3}));
}

TEST(Preprocess, ItIsSaidInFull) {
  EXPECT_EQ(describe({}),
            "resize to 224x224 (height x width, bilinear, antialiased), RGB, scale 1/255, mean [0.485, "
            "0.456, 0.406], "
            "std [0.229, 0.224, 0.225]");
}

}  // namespace
}  // namespace calib8
