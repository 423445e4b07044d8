#include "read/weights/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/text.h"
#include "calib8/error.h"
#include "container/archive_for_tests.h"
#include "read/weights/safetensors_header.h"

namespace calib8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;

std::string file_of(const std::string& header, const std::string& elements = {}) {
  std::string bytes;
  append_number<std::uint64_t>(bytes, header.size());
  return bytes + header + elements;
}

Data data_of(const std::string& bytes) {
  return Data::from_vector(std::vector<char>(bytes.begin(), bytes.end()));
}

Safetensors read(const std::string& bytes) {
  return read_safetensors(data_of(bytes), "file");
}

/// The message, on one line; empty where the file is read.
std::string refusal_of(const std::string& bytes) {
  try {
    read(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    EXPECT_EQ(error.where(), "file");
    EXPECT_EQ(error.message(), one_line(error.message()));
    return error.message();
  }
  return "";
}

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

/// An entry of a header: "name": {"dtype": ..., "shape": ..., "data_offsets": ...}
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape, int begin,
                  int end) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[" +
         std::to_string(begin) + "," + std::to_string(end) + "]}";
}

TEST(Safetensors, ReadsTensorsWhereTheyLie) {
  const std::string header = "{" + entry("b", "F32", "[2]", 4, 12) + "," + entry("a", "F32", "[]", 0, 4) +
                             ",\"__metadata__\":{\"format\":\"pt\",\"arch\":\"resnet18\"}}   ";
  const Safetensors found = read(file_of(header, floats({1, 2, 3})));
  ASSERT_EQ(found.tensors.size(), 2U);
  EXPECT_EQ(found.tensors[0].name, "a");
  EXPECT_EQ(found.tensors[0].tensor.shape, Shape{});
  EXPECT_EQ(found.tensors[1].tensor.shape, Shape{2});
  EXPECT_THAT(found.tensors[1].tensor.as<float>(), ElementsAre(2, 3));
  EXPECT_EQ(found.metadata.at("arch"), "resnet18");
}

TEST(Safetensors, ReadsEveryType) {
  const std::pair<const char*, DType> types[] = {
      {"F64", DType::float64}, {"F32", DType::float32}, {"F16", DType::float16}, {"BF16", DType::bfloat16},
      {"I64", DType::int64},   {"I32", DType::int32},   {"I16", DType::int16},   {"I8", DType::int8},
      {"U64", DType::uint64},  {"U32", DType::uint32},  {"U16", DType::uint16},  {"U8", DType::uint8},
      {"BOOL", DType::boolean}};
  for (const auto& [name, dtype] : types) {
    const int size = static_cast<int>(size_of(dtype)) * 3;
    const Safetensors found =
        read(file_of("{" + entry("a", name, "[3]", 0, size) + "}", std::string(size, '\0')));
    EXPECT_EQ(found.tensors[0].tensor.dtype, dtype) << name;
    // Whatever the header's length is, elements are aligned.
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(found.tensors[0].tensor.data.bytes().data()) % size_of(dtype),
              0U);
  }
  EXPECT_THAT(refusal_of(file_of("{" + entry("w", "F8_E4M3", "[1]", 0, 1) + "}", "x")),
              testing::AllOf(HasSubstr("\"w\""), HasSubstr("\"F8_E4M3\""), HasSubstr("float32")));
}

// half 1.5 is 3e00, bfloat16 1.5 is 3fc0
TEST(Safetensors, WidensWhatIsNarrow) {
  const Safetensors found =
      read(file_of("{" + entry("a", "F16", "[1]", 0, 2) + "," + entry("b", "BF16", "[1]", 2, 4) + "}",
                   "\x00\x3e\xc0\x3f"s));
  EXPECT_EQ(to_float(found.tensors[0].tensor), std::vector<float>{1.5f});
  EXPECT_EQ(to_float(found.tensors[1].tensor), std::vector<float>{1.5f});
}

TEST(Safetensors, TakesEmptyTensors) {
  const Safetensors found =
      read(file_of("{" + entry("a", "F32", "[0,3]", 0, 0) + "," + entry("b", "F32", "[1]", 0, 4) + "," +
                       entry("c", "F32", "[0]", 4, 4) + "}",
                   floats({7})));
  EXPECT_EQ(found.tensors.size(), 3U);
  EXPECT_TRUE(read(file_of("{}")).tensors.empty());
}

TEST(Safetensors, RefusesLengthsThatLie) {
  EXPECT_THAT(refusal_of("\x02\0\0"s), HasSubstr("too short"));
  std::string cut = file_of("{}");
  cut[0] = 3;
  EXPECT_THAT(refusal_of(cut), HasSubstr("the file ends before"));
  EXPECT_THAT(refusal_of("\xff\xff\xff\xff\xff\xff\xff\xff{}"s), HasSubstr("100 MB"));
  std::string large;
  append_number<std::uint64_t>(large, 100'000'001);
  EXPECT_THAT(refusal_of(large + "{}"), HasSubstr("100 MB"));
}

TEST(Safetensors, RefusesPlacesThatLie) {
  const auto refusal = [](const std::string& entries, std::size_t bytes) {
    return refusal_of(file_of("{" + entries + "}", std::string(bytes, 'x')));
  };
  EXPECT_THAT(refusal(entry("a", "F32", "[2]", 0, 8), 7), HasSubstr("byte 8 of 7"));
  EXPECT_THAT(refusal(entry("a", "F32", "[2]", 0, 8), 9), HasSubstr("1 bytes at the end"));
  EXPECT_THAT(refusal("", 1), HasSubstr("1 bytes at the end"));
  EXPECT_THAT(refusal(entry("a", "F32", "[1]", 4, 8), 8), HasSubstr("hole"));
  EXPECT_THAT(refusal(entry("a", "F32", "[1]", 0, 4) + "," + entry("b", "F32", "[1]", 5, 9), 9),
              HasSubstr("hole"));
  EXPECT_THAT(refusal(entry("a", "F32", "[1]", 0, 4) + "," + entry("b", "F32", "[1]", 0, 4), 4),
              HasSubstr("overlaps"));
  EXPECT_THAT(refusal(entry("a", "F32", "[1]", 0, 4) + "," + entry("b", "F32", "[1]", 2, 6), 6),
              HasSubstr("overlaps"));
  EXPECT_THAT(refusal(entry("a", "F32", "[1]", 4, 0), 4), HasSubstr("ends before it begins"));
  EXPECT_THAT(refusal(entry("a", "F32", "[3]", 0, 8), 8), HasSubstr("has 8 bytes"));
  EXPECT_THAT(refusal(entry("a", "F32", "[2]", 0, 7), 7), HasSubstr("has 7 bytes"));
  EXPECT_THAT(refusal(entry("a", "I8", "[9223372036854775807,2]", 0, 8), 8), HasSubstr("has 8 bytes"));
  EXPECT_THAT(refusal(entry("a", "I8", "[18446744073709551615]", 0, 8), 8), HasSubstr("impossible sizes"));
}

TEST(Safetensors, RefusesHeadersOfAnotherForm) {
  const std::string good = entry("a", "F32", "[1]", 0, 4);
  const auto refusal = [](const std::string& header) { return refusal_of(file_of(header, "xxxx")); };
  EXPECT_EQ(refusal("{" + good + "}"), "");
  EXPECT_THAT(refusal("{" + good + "," + good + "}"), HasSubstr("\"a\" twice"));
  EXPECT_THAT(refusal("{\"__metadata__\":{},\"__metadata__\":{}," + good + "}"), HasSubstr("twice"));
  EXPECT_THAT(refusal("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}," + good + "}"), HasSubstr("\"k\" twice"));
  EXPECT_THAT(refusal("{\"__metadata__\":{\"k\":1}," + good + "}"), HasSubstr("__metadata__ has a number"));
  EXPECT_THAT(refusal("{\"__metadata__\":\"k\"," + good + "}"), HasSubstr("has a text"));
  EXPECT_THAT(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}"), HasSubstr("lacks"));
  EXPECT_THAT(refusal("{\"a\":{}}"), HasSubstr("lacks"));
  EXPECT_THAT(refusal("{\"a\":[]}"), HasSubstr("a list"));
  EXPECT_THAT(refusal("{\"a\":null}"), HasSubstr("null"));
  EXPECT_THAT(refusal("{\"a\":{\"dtype\":{},\"shape\":[1],\"data_offsets\":[0,4]}}"), HasSubstr("an object"));
  EXPECT_THAT(refusal("{\"a\":{\"dtype\":4,\"shape\":[1],\"data_offsets\":[0,4]}}"), HasSubstr("a number"));
  EXPECT_THAT(refusal("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"),
              HasSubstr("dtype twice"));
  EXPECT_THAT(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}"),
              HasSubstr("\"x\""));
  EXPECT_THAT(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}"),
              HasSubstr("negative"));
  EXPECT_THAT(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}"),
              HasSubstr("fraction"));
  EXPECT_THAT(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[[1]],\"data_offsets\":[0,4]}}"),
              HasSubstr("a list"));
  EXPECT_THAT(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}"),
              HasSubstr("aren't two"));
  EXPECT_THAT(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}"),
              HasSubstr("aren't two"));
  EXPECT_THAT(refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,true]}}"),
              HasSubstr("true"));
}

TEST(Safetensors, RefusesWhatIsNoJson) {
  const auto refusal = [](const std::string& header) { return refusal_of(file_of(header)); };
  EXPECT_THAT(refusal("[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(" {}"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("\xef\xbb\xbf{}"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("{}\0x"s), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("{}{}"), HasSubstr("byte"));
  EXPECT_THAT(refusal("{\"a\""), HasSubstr("no JSON in UTF-8"));
  EXPECT_THAT(refusal("{\"\xff\":{}}"), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal("{\"a\\ud800\":{}}"), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal(std::string(100000, '{')), HasSubstr("byte"));
  EXPECT_THAT(refusal("{\"a\":{\"shape\":" + std::string(100000, '[')), HasSubstr("a list"));
}

TEST(Safetensors, NamesOfTensorsCantForgeLines) {
  EXPECT_THAT(refusal_of(file_of("{\"a\\nb\\u001b[31m\":{}}")), HasSubstr("lacks"));
}

TEST(Safetensors, BecomesACheckpointInTheOrderOfItsModules) {
  const std::string header = "{" + entry("model.10.weight", "F32", "[1]", 0, 4) + "," +
                             entry("model.2.weight", "F32", "[1]", 4, 8) + "," +
                             entry("loss.weight", "F32", "[1]", 8, 12) + "}";
  const Checkpoint checkpoint = checkpoint_of_safetensors(read(file_of(header, floats({1, 2, 3}))), "file");
  ASSERT_EQ(checkpoint.tensors.size(), 2U);
  EXPECT_EQ(checkpoint.tensors.tensors()[0].name, "2.weight");
  EXPECT_EQ(checkpoint.tensors.tensors()[1].name, "10.weight");
  EXPECT_EQ(checkpoint.prefix, "model.");
  EXPECT_THAT(checkpoint.notes, ElementsAre(HasSubstr("loss")));
  EXPECT_THROW(checkpoint_of_safetensors(read(file_of("{}")), "file"), Error);
  EXPECT_THROW(checkpoint_of_safetensors(read(file_of(header, floats({1, 2, 3}))), "file", "ema"), Error);
}

TEST(Safetensors, IsToldFromOtherFiles) {
  const auto looks = [](const std::string& bytes) { return looks_like_safetensors(data_of(bytes).bytes()); };
  EXPECT_TRUE(looks(file_of("{}")));
  EXPECT_TRUE(looks(file_of("{\"a\"")));
  EXPECT_TRUE(looks(file_of("{ \"a\"")));
  EXPECT_FALSE(looks("{\"a\": {\"b\": 1}}"));
  EXPECT_FALSE(looks("\x08\x07\x12\x07pytorch"));
  EXPECT_FALSE(looks("PK\x03\x04\0\0\x08\x08\0\0{\""s));
  EXPECT_FALSE(looks(""));
}

TEST(Safetensors, NeverCrashesOnDamagedBytes) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string whole = file_of("{" + entry("a", "F32", "[2]", 0, 8) + "," +
                                        entry("b", "I8", "[2,2]", 8, 12) + ",\"__metadata__\":{\"k\":\"v\"}}",
                                    std::string(12, 'x'));
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = whole;
    for (int i = 0; i < 2; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    refusal_of(damaged);
    refusal_of(whole.substr(0, random() % whole.size()));
  }
}

}  // namespace
}  // namespace calib8
