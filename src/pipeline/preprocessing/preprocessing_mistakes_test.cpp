#include "pipeline/preprocessing/preprocessing_mistakes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "image/preprocessing_presets.h"
#include "pipeline/preprocessing/preprocessing_choice.h"

namespace calib8 {
namespace {

std::vector<std::string> names(const Preprocessing& declared) {
  std::vector<std::string> names;
  for (const Mistake& mistake : usual_mistakes(declared)) names.push_back(mistake.name);
  return names;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

TEST(PreprocessingMistakes, TheDeclaredOneIsNoMistake) {
  EXPECT_FALSE(contains(names({}), "ImageNet's mean and std"));
  EXPECT_TRUE(contains(names({}), "values -1..1"));
  EXPECT_FALSE(contains(names(*find_preset("tf")), "values -1..1"));
  EXPECT_FALSE(contains(names(*find_preset("raw")), "values 0..255"));
  EXPECT_TRUE(contains(names(*find_preset("torchvision:resnet18")), "plain resize without crop"));
}

/// The flags are what a person will type: parsed again, they must give the same.
TEST(PreprocessingMistakes, TheFlagsSelectThem) {
  for (const char* preset : {"imagenet", "tf", "torchvision:resnet18", "ultralytics"}) {
    PreprocessingOptions declared_options;
    declared_options.preprocessing = preset;
    const Preprocessing declared = choose_preprocessing(declared_options, {}, 96, 96, 3).preprocessing;
    for (const Mistake& mistake : usual_mistakes(declared)) {
      PreprocessingOptions options = declared_options;
      std::istringstream words(flags_for(declared, mistake.preprocessing));
      for (std::string flag, value; words >> flag >> value;) {
        const auto numbers = [&] {
          std::vector<float> list;
          std::istringstream parts(value);
          for (std::string part; std::getline(parts, part, ',');) list.push_back(std::stof(part));
          return list;
        };
        if (flag == "--channel-order") options.channel_order = value;
        if (flag == "--scale") options.scale = value;
        if (flag == "--mean") options.mean = numbers();
        if (flag == "--std") options.deviation = numbers();
        if (flag == "--resize-mode") options.resize_mode = value;
        if (flag == "--crop") options.crop = value;
        if (flag == "--interpolation") options.interpolation = value;
      }
      Preprocessing chosen = choose_preprocessing(options, {}, 96, 96, 3).preprocessing;
      chosen.resize_width = mistake.preprocessing.resize_width;  // shortest-side doesn't use it
      EXPECT_EQ(chosen, mistake.preprocessing) << preset << ": " << mistake.name;
    }
  }
}

}  // namespace
}  // namespace calib8
