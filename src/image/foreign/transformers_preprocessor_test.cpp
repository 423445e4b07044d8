#include "image/foreign/transformers_preprocessor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"
#include "image/preprocessing_json.h"

namespace calib8 {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Preprocessing from(const char* text) {
  return preprocessing_from_transformers(json::parse(text), "preprocessor_config.json");
}

std::string refusal_of(const char* text) {
  try {
    from(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    return error.message();
  }
  return "";
}

// As google/vit-base-patch16-224 has it.
TEST(TransformersPreprocessing, SqueezesToASize) {
  const Preprocessing p =
      from(R"({"image_processor_type": "ViTImageProcessor", "do_resize": true, "resample": 2,
    "size": {"height": 224, "width": 192}, "do_rescale": true, "rescale_factor": 0.00392156862745098,
    "do_normalize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.5, 0.5]})");
  EXPECT_EQ(p.resize_mode, ResizeMode::exact);
  EXPECT_EQ(std::pair(p.height, p.width), std::pair(224, 192));
  EXPECT_EQ(p.resize_height, 0);
  EXPECT_EQ(p.interpolation, Interpolation::bilinear);
  EXPECT_EQ(p.divisor, 255);
  EXPECT_EQ(p.mean, (std::vector<float>{0.5f, 0.5f, 0.5f}));
  EXPECT_EQ(p.deviation, (std::vector<float>{0.25f, 0.5f, 0.5f}));
  EXPECT_EQ(p.name, "ViTImageProcessor");
}

TEST(TransformersPreprocessing, CutsTheCenter) {
  const Preprocessing p =
      from(R"({"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 256},
    "do_center_crop": true, "crop_size": {"height": 224, "width": 224}, "do_normalize": false})");
  EXPECT_EQ(p.resize_mode, ResizeMode::shortest_side);
  EXPECT_EQ(p.resize_height, 256);
  EXPECT_EQ(p.height, 224);
  EXPECT_EQ(p.interpolation, Interpolation::bicubic);
  EXPECT_EQ(p.mean, (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(p.deviation, (std::vector<float>{1, 1, 1}));
}

TEST(TransformersPreprocessing, KnowsWhatASizeMeansToAModel) {
  constexpr const char* values = R"("image_mean": [0.5], "image_std": [0.5]})";
  const auto of = [&](const std::string& begin) { return from((begin + values).c_str()); };
  Preprocessing p =
      of(R"({"feature_extractor_type": "ConvNextFeatureExtractor", "size": 224, "crop_pct": 0.875,)");
  EXPECT_EQ(std::tuple(p.height, p.resize_height), std::tuple(224, 256));
  EXPECT_EQ(p.resize_mode, ResizeMode::shortest_side);
  p = of(R"({"feature_extractor_type": "ConvNextFeatureExtractor", "size": {"shortest_edge": 384},)");
  EXPECT_EQ(std::tuple(p.height, p.resize_height), std::tuple(384, 0));
  EXPECT_EQ(p.resize_mode, ResizeMode::exact);
  p = of(R"({"image_processor_type": "LevitImageProcessor", "size": {"shortest_edge": 224},
    "do_center_crop": true, "crop_size": {"height": 224, "width": 224},)");
  EXPECT_EQ(std::tuple(p.height, p.resize_height), std::tuple(224, 256));
  p = of(R"({"feature_extractor_type": "ViTFeatureExtractor", "size": 224,)");
  EXPECT_EQ(p.resize_mode, ResizeMode::exact);
  EXPECT_EQ(p.height, 224);
  p = of(R"({"image_processor_type": "MobileNetV1ImageProcessor", "do_flip_channel_order": true,
    "do_rescale": true, "rescale_factor": 0.00784313725490196, "size": 256, "crop_size": 224,)");
  EXPECT_EQ(p.channel_order, ChannelOrder::bgr);
  EXPECT_DOUBLE_EQ(p.divisor, 127.5);
  EXPECT_EQ(std::tuple(p.height, p.resize_height), std::tuple(224, 256));
}

TEST(TransformersPreprocessing, RefusesWhatItCantDo) {
  EXPECT_THAT(refusal_of(R"({"do_pad": true, "image_mean": 0, "image_std": 1})"), HasSubstr("do_pad"));
  EXPECT_THAT(refusal_of(R"({"image_processor_type": "EfficientNetImageProcessor", "image_mean": 0,
    "image_std": 1})"),
              HasSubstr("twice"));
  EXPECT_THAT(refusal_of(R"({"size": {"longest_edge": 1000}, "image_mean": 0, "image_std": 1})"),
              HasSubstr("shortest_edge"));
  EXPECT_THAT(refusal_of(R"({"size": 224})"), HasSubstr("image_mean"));
  EXPECT_THAT(refusal_of(R"({"size": 224, "resample": 5, "image_mean": 0, "image_std": 1})"),
              HasSubstr("resample"));
  EXPECT_THAT(refusal_of(R"({"size": 224, "image_mean": 0, "image_std": 0})"), HasSubstr("std"));
  EXPECT_THAT(refusal_of(R"({"size": 200, "crop_size": 224, "image_mean": 0, "image_std": 1})"),
              HasSubstr("crop_size"));
}

TEST(TransformersPreprocessing, IsFoundInAConfig) {
  const json preprocessor = {{"image_processor_type", "ViTImageProcessor"},
                             {"size", 96},
                             {"image_mean", {0.5}},
                             {"image_std", {0.5}}};
  const auto found = preprocessing_from_config({{"preprocessor_config", preprocessor}}, "config.json");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->height, 96);
  EXPECT_FALSE(is_transformers_preprocessor({{"mean", 1}}));
  EXPECT_FALSE(is_transformers_preprocessor(json::array()));
}

}  // namespace
}  // namespace calib8
