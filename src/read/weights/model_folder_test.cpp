#include "read/weights/model_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "calib8/error.h"
#include "read/checkpoint_for_tests.h"
#include "read/weights/weight_shards.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using namespace pickled;

/// A folder with these files, empty before.
fs::path folder_of(const std::vector<std::pair<std::string, std::string>>& files) {
  const fs::path folder =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& [name, content] : files) std::ofstream(folder / name, std::ios::binary) << content;
  return folder;
}

template <class Action>
std::string refusal_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    return error.where() + ": " + error.message();
  }
  return "";
}

std::string safetensors(const std::string& name, float value) {
  const std::string header = "{\"" + name + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string bytes;
  append_number<std::uint64_t>(bytes, header.size());
  return bytes + header + floats({value});
}

TEST(ModelFolder, FindsTheWeights) {
  const auto found_in = [](const std::vector<std::pair<std::string, std::string>>& files) {
    return find_weights(folder_of(files));
  };
  EXPECT_EQ(found_in({{"model.safetensors", "x"}, {"config.json", "{}"}}).file.filename(),
            "model.safetensors");
  EXPECT_EQ(found_in({{"pytorch_model.bin.index.json", "{}"}}).file.filename(),
            "pytorch_model.bin.index.json");
  const FolderWeights twice = found_in({{"model.safetensors", "x"}, {"pytorch_model.bin", "x"}});
  EXPECT_EQ(twice.file.filename(), "model.safetensors");
  EXPECT_THAT(twice.note, HasSubstr("pytorch_model.bin"));
  EXPECT_EQ(found_in({{"best.pth", "x"}, {"notes.txt", "x"}}).file.filename(), "best.pth");
}

TEST(ModelFolder, SaysWhatElseAFolderIs) {
  const auto refusal = [](const std::vector<std::pair<std::string, std::string>>& files) {
    const fs::path folder = folder_of(files);
    return refusal_of([&] { find_weights(folder); });
  };
  EXPECT_THAT(refusal({}), HasSubstr("no model.safetensors"));
  EXPECT_THAT(refusal({{"a.pth", "x"}, {"b.ckpt", "x"}}), HasSubstr("\"a.pth\", \"b.ckpt\""));
  EXPECT_THAT(refusal({{"adapter_config.json", "{}"}, {"adapter_model.safetensors", "x"}}),
              HasSubstr("merge"));
  EXPECT_THAT(refusal({{"tf_model.h5", "x"}}), HasSubstr("TensorFlow"));
}

TEST(ModelFolder, ReadsWhatDescribesTheWeights) {
  const fs::path folder = folder_of({{"model.safetensors", "x"},
                                     {"other.safetensors", "x"},
                                     {"config.json", R"({"architecture": "resnet18"})"},
                                     {"preprocessor_config.json", R"({"size": 96})"}});
  const FolderDescription found = read_folder_description(folder / "model.safetensors");
  EXPECT_EQ(found.config["architecture"], "resnet18");
  EXPECT_EQ(found.config["preprocessor_config"]["size"], 96);
  EXPECT_EQ(found.images_from, "preprocessor_config.json");
  EXPECT_EQ(found.files.size(), 2U);
  EXPECT_TRUE(read_folder_description(folder / "other.safetensors").files.empty());
}

TEST(ModelFolder, RefusesDescriptionsThatAreNone) {
  const auto refusal = [](const std::string& config) {
    const fs::path folder = folder_of({{"model.safetensors", "x"}, {"config.json", config}});
    return refusal_of([&] { read_folder_description(folder / "model.safetensors"); });
  };
  EXPECT_THAT(refusal("[]"), HasSubstr("config.json: isn't JSON"));
  EXPECT_THAT(refusal("{"), HasSubstr("config.json: isn't JSON"));
  EXPECT_THAT(refusal(std::string(100000, '[')), HasSubstr("64 levels"));
  std::string deep = "1";
  for (int i = 0; i < 70; ++i) deep = "{\"a\":" + deep + "}";
  EXPECT_THAT(refusal(deep), HasSubstr("64 levels"));
}

/// Two files of one tensor each, safetensors and torch.save.
std::vector<std::pair<std::string, std::string>> shards(const std::string& map) {
  return {{"index.json", "{\"metadata\": {}, \"weight_map\": " + map + "}"},
          {"1.safetensors", safetensors("b.weight", 2)},
          {"2.bin", archive(dict({{"a.weight", tensor(storage("0", 1), 0, {1}, {1})}}), {floats({1})})}};
}

ShardedWeights read_shards(const std::string& map) {
  const fs::path index = folder_of(shards(map)) / "index.json";
  return read_weight_shards(map_file(index), index);
}

TEST(WeightShards, AreReadTogether) {
  const ShardedWeights read = read_shards(R"({"a.weight": "2.bin", "b.weight": "1.safetensors"})");
  ASSERT_EQ(read.tensors.size(), 2U);
  EXPECT_EQ(read.tensors[0].name, "a.weight");
  EXPECT_EQ(to_float(read.tensors[0].tensor), std::vector<float>{1});
  EXPECT_EQ(to_float(read.tensors[1].tensor), std::vector<float>{2});
  EXPECT_EQ(read.files.size(), 2U);
}

TEST(WeightShards, RefusesAnIndexThatLies) {
  const auto refusal = [](const std::string& map) { return refusal_of([&] { read_shards(map); }); };
  EXPECT_THAT(refusal("{}"), HasSubstr("no weight_map"));
  EXPECT_THAT(refusal("[]"), HasSubstr("no weight_map"));
  EXPECT_THAT(refusal(R"({"a.weight": "missing.bin"})"), HasSubstr("missing.bin"));
  EXPECT_THAT(refusal(R"({"a.weight": "../2.bin"})"), HasSubstr("beside it"));
  EXPECT_THAT(refusal(R"({"a.weight": "/etc/passwd"})"), HasSubstr("beside it"));
  EXPECT_THAT(refusal(R"({"a.weight": 1})"), HasSubstr("beside it"));
  EXPECT_THAT(refusal(R"({"a.weight": "2.bin", "c.weight": "2.bin"})"),
              HasSubstr("lacks tensor \"c.weight\""));
  EXPECT_THAT(refusal(R"({"c.weight": "2.bin"})"), HasSubstr("holds tensor \"a.weight\""));
}

}  // namespace
}  // namespace calib8
