#include "image/preprocessing_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"
#include "image/preprocessing_presets.h"

namespace calib8 {
namespace {

using nlohmann::json;

std::string failure(const json& object, Preprocessing (*read)(const json&, const std::string&)) {
  try {
    read(object, "file.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage) << error.what();
    return error.what();
  }
  ADD_FAILURE() << object << " is accepted";
  return {};
}

json with(const char* name, json value) {
  json object = {{"height", 64}, {"width", 48}};
  object[name] = std::move(value);
  return object;
}

TEST(PreprocessingJson, EveryPresetComesBack) {
  for (const char* name : {"imagenet", "tf", "raw", "ultralytics", "torchvision:efficientnet_b1",
                           "torchvision:ResNet50_Weights.IMAGENET1K_V1", "torchvision:efficientnet_v2_l"}) {
    const std::optional<Preprocessing> preset = find_preset(name);
    ASSERT_TRUE(preset) << name;
    for (const auto& [height, width] : {std::pair(224, 224), {96, 160}, {1, 7}}) {
      const Preprocessing p = for_input_size(*preset, height, width);
      EXPECT_EQ(preprocessing_from_json(json::parse(to_json(p).dump()), ""), p) << to_json(p);
    }
  }
}

TEST(PreprocessingJson, EveryMemberComesBack) {
  Preprocessing p;
  p.name = "own";
  p.height = 100;
  p.width = 60;
  p.resize_mode = ResizeMode::cover;
  p.resize_height = 120;
  p.resize_width = 70;
  p.interpolation = Interpolation::lanczos;
  p.library = ResizeLibrary::opencv;
  p.channel_order = ChannelOrder::gray;
  p.mean = {0.1307f};
  p.deviation = {-0.3081f};
  p.divisor = 127.5;
  p.exif_orientation = true;
  EXPECT_EQ(preprocessing_from_json(to_json(p), ""), p);
  p.resize_mode = ResizeMode::letterbox;
  p.resize_height = p.resize_width = 0;
  p.pad_value = 3;
  EXPECT_EQ(preprocessing_from_json(to_json(p), ""), p);
}

TEST(PreprocessingJson, NumbersArePrintedAsTheyWereMeant) {
  EXPECT_EQ(to_json({})["mean"].dump(), "[0.485,0.456,0.406]");
}

TEST(PreprocessingJson, TheSizeBeforeTheCropKeepsItsProportion) {
  const Preprocessing p = for_input_size(*find_preset("torchvision:resnet18"), 64, 64);
  EXPECT_EQ(p.resize_height, 73);  // floor(64 / 0.875)
}

TEST(PreprocessingJson, WhatIsWrongIsSaid) {
  using testing::HasSubstr;
  const auto own = [](const json& object) { return failure(object, preprocessing_from_json); };
  EXPECT_THAT(own(json::array()), HasSubstr("file.json: a preprocessing is a JSON object"));
  EXPECT_THAT(own({{"height", 3}}), HasSubstr("\"width\" is missing"));
  EXPECT_THAT(own(with("height", 0)), HasSubstr("\"height\" is 0; it must be an integer from 1 to 16384"));
  EXPECT_THAT(own(with("height", 1e9)), HasSubstr("\"height\""));
  EXPECT_THAT(own(with("height", 18446744073709551615u)), HasSubstr("\"height\""));
  EXPECT_THAT(own(with("widht", 3)), HasSubstr("there is no \"widht\""));
  EXPECT_THAT(own(with("interpolation", "cubic")), HasSubstr("opencv-bicubic"));
  EXPECT_THAT(own(with("interpolation", json::object())), HasSubstr("\"interpolation\""));
  EXPECT_THAT(own(with("channel_order", "rbg")), HasSubstr("rgb, bgr, gray"));
  EXPECT_THAT(own(with("scale", "1/0")), HasSubstr("\"scale\""));
  EXPECT_THAT(own(with("scale", -1)), HasSubstr("\"scale\""));
  EXPECT_THAT(own(with("mean", {1, 2})), HasSubstr("\"mean\""));
  EXPECT_THAT(own(with("mean", {"a"})), HasSubstr("\"mean\""));
  EXPECT_THAT(own(with("mean", {123.675, 116.28, 103.53})), HasSubstr("is the scale 1?"));
  EXPECT_THAT(own(with("std", {0.2, 0, 0.2})), HasSubstr("std not 0"));
  EXPECT_THAT(own(with("std", {1e-60})), HasSubstr("std not 0"));
  EXPECT_THAT(own(with("std", {1e300})), HasSubstr("\"std\""));
  EXPECT_THAT(own(with("resize", {{"mode", "squash"}})), HasSubstr("letterbox"));
  EXPECT_THAT(own(with("resize", {{"mode", "letterbox"}, {"size", 32}})), HasSubstr("cuts nothing"));
  EXPECT_THAT(own(with("resize", {{"pad", 256}})), HasSubstr("from 0 to 255"));
  EXPECT_THAT(own(with("resize", 256)), HasSubstr("JSON object"));
  EXPECT_THAT(own(with("layout", "CHWN")), HasSubstr("NHWC"));
  EXPECT_THAT(own(with("exif_orientation", 1)), HasSubstr("true or false"));
  EXPECT_THAT(own(with("name", 1)), HasSubstr("a string"));
  const auto timm = [](const json& object) { return failure(object, preprocessing_from_timm); };
  EXPECT_THAT(timm({{"crop_mode", "border"}}), HasSubstr("\"center\" or \"squash\""));
  EXPECT_THAT(timm({{"crop_pct", 0}}), HasSubstr("\"crop_pct\""));
  EXPECT_THAT(timm({{"interpolation", "hamming"}}), HasSubstr("\"interpolation\""));
  EXPECT_THAT(timm({{"input_size", {3, 0, 224}}}), HasSubstr("\"input_size\""));
}

TEST(PreprocessingConfig, IsUsedWhereItSaysSomething) {
  EXPECT_EQ(preprocessing_from_config({{"epochs", 3}, {"mean", 0.5}}, ""), std::nullopt);
  EXPECT_EQ(preprocessing_from_config(json::array({1}), ""), std::nullopt);
  EXPECT_EQ(preprocessing_from_config({{"preprocessing", "standard"}}, ""), std::nullopt);
  EXPECT_EQ(preprocessing_from_config({{"preprocessing", "tf"}}, ""), find_preset("tf"));
  const auto unscaled =
      preprocessing_from_config({{"mean", {123.675, 116.28, 103.53}}, {"std", {58.395, 57.12, 57.375}}}, "");
  ASSERT_TRUE(unscaled);
  EXPECT_EQ(unscaled->divisor, 1);
  EXPECT_EQ(unscaled->mean[2], 103.53f);
  const auto named = preprocessing_from_config({{"interpolation", "InterpolationMode.BICUBIC"}}, "");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->interpolation, Interpolation::bicubic);
  const auto timm = preprocessing_from_config(
      {{"pretrained_cfg", {{"input_size", {3, 240, 240}}, {"crop_pct", 0.95}}}}, "");
  ASSERT_TRUE(timm);
  EXPECT_EQ(std::tuple(timm->height, timm->resize_height, timm->interpolation),
            std::tuple(240, 252, Interpolation::bicubic));
}

}  // namespace
}  // namespace calib8
