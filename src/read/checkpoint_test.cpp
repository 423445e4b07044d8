#include "read/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "calib8/error.h"
#include "read/checkpoint_description.h"
#include "read/checkpoint_for_tests.h"

namespace calib8 {
namespace {

using namespace pickled;
using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;

Checkpoint load(const std::string& bytes) {
  return read_checkpoint(data_of(bytes), "test.pth");
}

std::string refusal_of(const std::string& bytes) {
  try {
    load(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    EXPECT_EQ(error.where(), "test.pth");
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
    return error.message();
  }
  return "read";
}

const std::vector<float> six = {1, 2, 3, 4, 5, 6};

/// A state_dict of one tensor "a" over six floats.
std::string with_tensor(std::int64_t offset, const std::vector<std::int64_t>& shape,
                        const std::vector<std::int64_t>& strides) {
  return archive(dict({{"a", tensor(storage("0", 6), offset, shape, strides)}}), {floats(six)});
}

std::vector<float> values_of(const std::string& bytes) {
  return to_float(*load(bytes).tensors.find("a"));
}

TEST(Checkpoint, ReadsTensorsOfArchives) {
  const Checkpoint checkpoint = load(with_tensor(0, {2, 3}, {3, 1}));
  ASSERT_EQ(checkpoint.tensors.size(), 1u);
  const Tensor& tensor = *checkpoint.tensors.find("a");
  EXPECT_EQ(tensor.dtype, DType::float32);
  EXPECT_EQ(tensor.shape, Shape({2, 3}));
  EXPECT_EQ(to_float(tensor), six);
  EXPECT_EQ(checkpoint.tensors.find("b"), nullptr);
}

TEST(Checkpoint, MapsContiguousTensors) {
  // Padding before the members makes the storage's place in the file take every remainder: it is aligned in
  // one case.
  int views = 0;
  for (std::size_t padding = 0; padding < sizeof(float); ++padding) {
    const std::string pickle = whole(dict({{"a", tensor(storage("0", 6), 3, {3}, {1})}}));
    const Data bytes = data_of(make_archive(
        {{"m/padding", std::string(padding, ' ')}, {"m/data.pkl", pickle}, {"m/data/0", floats(six)}}));
    const Checkpoint checkpoint = read_checkpoint(bytes, "test.pth");
    const Tensor& tensor = *checkpoint.tensors.find("a");
    EXPECT_THAT(to_float(tensor), ElementsAre(4, 5, 6));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data.bytes().data()) % sizeof(float), 0u);
    const std::byte* begin = bytes.bytes().data();
    views += tensor.data.bytes().data() >= begin && tensor.data.bytes().data() < begin + bytes.size() ? 1 : 0;
  }
  EXPECT_EQ(views, 1);
}

TEST(Checkpoint, MaterializesStrides) {
  EXPECT_THAT(values_of(with_tensor(0, {3, 2}, {1, 3})), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(values_of(with_tensor(1, {2, 2}, {3, 1})), ElementsAre(2, 3, 5, 6));
  EXPECT_THAT(values_of(with_tensor(5, {2, 2}, {0, 0})), ElementsAre(6, 6, 6, 6));
  EXPECT_THAT(values_of(with_tensor(0, {3}, {2})), ElementsAre(1, 3, 5));
  EXPECT_THAT(values_of(with_tensor(0, {1, 6, 1}, {std::numeric_limits<std::int64_t>::max(), 1, -1})),
              testing::ElementsAreArray(six));
  EXPECT_THAT(values_of(with_tensor(5, {}, {})), ElementsAre(6));
  EXPECT_THAT(values_of(with_tensor(6, {0, 4}, {4, 1})), ElementsAre());
}

TEST(Checkpoint, RefusesTensorsOutsideTheirStorage) {
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  for (const std::string& bytes :
       {with_tensor(0, {7}, {1}), with_tensor(1, {6}, {1}), with_tensor(0, {2, 3}, {4, 1}),
        with_tensor(0, {2}, {6}), with_tensor(6, {}, {}), with_tensor(huge, {1}, {1}),
        with_tensor(huge, {2}, {1}), with_tensor(0, {2}, {huge}), with_tensor(0, {3}, {huge}),
        with_tensor(5, {2}, {-1}), with_tensor(0, {2}, {-huge})})
    EXPECT_THAT(refusal_of(bytes), HasSubstr("\"a\" reaches outside its storage"));
  for (const std::string& bytes : {with_tensor(-1, {1}, {1}), with_tensor(0, {-1}, {1}),
                                   with_tensor(0, {2, 3}, {1}), with_tensor(0, {huge, huge}, {0, 0})})
    EXPECT_THAT(refusal_of(bytes), HasSubstr("\"a\" has impossible sizes"));
  EXPECT_THAT(refusal_of(with_tensor(0, std::vector<std::int64_t>(65, 1), std::vector<std::int64_t>(65, 1))),
              HasSubstr("not described"));
}

TEST(Checkpoint, RefusesStoragesThatLie) {
  const auto with_storage = [](const std::string& stored) {
    return refusal_of(archive(dict({{"a", tensor(stored, 0, {1}, {1})}}), {floats(six)}));
  };
  EXPECT_EQ(with_storage(storage("0", 6)), "read");
  EXPECT_THAT(with_storage(storage("0", 7)),
              HasSubstr("\"model/data/0\" has 24 bytes where the pickle needs 28"));
  EXPECT_THAT(with_storage(storage("0", 6, "DoubleStorage")), HasSubstr("needs 48"));
  EXPECT_THAT(with_storage(storage("1", 6)), HasSubstr("\"model/data/1\" is missing"));
  EXPECT_THAT(with_storage(storage("../0", 6)), HasSubstr("is missing"));
  EXPECT_THAT(with_storage(storage("0", -1)), HasSubstr("no proper storage"));
  EXPECT_THAT(with_storage(storage("0", std::numeric_limits<std::int64_t>::max())),
              HasSubstr("impossible size"));
  EXPECT_THAT(with_storage(storage("0", 3, "ComplexFloatStorage")), HasSubstr("ComplexFloatStorage"));
  EXPECT_THAT(with_storage("N"), HasSubstr("no proper storage"));
  EXPECT_THAT(with_storage(text("storage") + "Q"), HasSubstr("no proper storage"));
}

TEST(Checkpoint, BoundsWhatExpandedTensorsTake) {
  EXPECT_THAT(refusal_of(with_tensor(0, {1 << 20, 1 << 20}, {0, 0})), HasSubstr("far larger than the file"));
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 100; ++i)
    many.emplace_back(std::to_string(i), tensor(storage("0", 6), 0, {100000}, {0}));
  EXPECT_THAT(refusal_of(archive(dict(many), {floats(six)})), HasSubstr("far larger than the file"));
}

TEST(Checkpoint, ReadsTensorsOfTypes) {
  const std::pair<const char*, DType> types[] = {
      {"DoubleStorage", DType::float64},    {"HalfStorage", DType::float16},
      {"BFloat16Storage", DType::bfloat16}, {"LongStorage", DType::int64},
      {"IntStorage", DType::int32},         {"ShortStorage", DType::int16},
      {"CharStorage", DType::int8},         {"ByteStorage", DType::uint8},
      {"BoolStorage", DType::boolean}};
  for (const auto& [name, dtype] : types) {
    const auto size = static_cast<std::int64_t>(size_of(dtype));
    const std::string stored = storage("0", 24 / size, name);
    const Checkpoint checkpoint =
        load(archive(dict({{"a", tensor(stored, 1, {24 / size - 1}, {1})}}), {floats(six)}));
    EXPECT_EQ(checkpoint.tensors.find("a")->dtype, dtype) << name;
    EXPECT_EQ(checkpoint.tensors.find("a")->data.size(), static_cast<std::size_t>(24 - size)) << name;
  }
  const auto untyped = [](const std::string& dtype) {
    const std::string stored = storage("0", 24, "UntypedStorage");
    return archive(dict({{"a", call(global("torch._utils", "_rebuild_tensor_v3"),
                                    tuple({stored, number(0), numbers({12}), numbers({1}), "\x89",
                                           ordered_dict(), global("torch", dtype)}))}}),
                   {floats(six)});
  };
  EXPECT_EQ(load(untyped("uint16")).tensors.find("a")->dtype, DType::uint16);
  EXPECT_THAT(refusal_of(untyped("uint32")), HasSubstr("reaches outside"));
  EXPECT_THAT(refusal_of(untyped("float8_e4m3fn")), HasSubstr("float8_e4m3fn"));
}

TEST(Checkpoint, SeesThroughParameters) {
  const std::string plain = tensor(storage("0", 6), 0, {6}, {1});
  const std::string parameter =
      call(global("torch._utils", "_rebuild_parameter"), tuple({plain, "\x88", ordered_dict()}));
  const std::string subclass = call(
      global("torch._tensor", "_rebuild_from_type_v2"),
      tuple({global("torch._utils", "_rebuild_tensor_v2"), global("torch", "Tensor"),
             tuple({storage("0", 6), number(0), numbers({6}), numbers({1}), "\x89", ordered_dict()}), "}"}));
  for (const std::string& value : {parameter, subclass})
    EXPECT_EQ(values_of(archive(dict({{"a", value}}), {floats(six)})), six);
  const std::string twice =
      call(global("torch._utils", "_rebuild_parameter"), tuple({parameter, "\x88", ordered_dict()}));
  for (const std::string& value : {twice, call(global("torch._utils", "_rebuild_parameter"), ")"),
                                   call(global("torch._utils", "_rebuild_parameter"), "N\x85"),
                                   call(global("torch._utils", "_rebuild_tensor_v2"), ")"),
                                   call(global("torch._tensor", "_rebuild_from_type_v2"), ")"),
                                   call(global("torch._tensor", "_rebuild_from_type_v2"), "(NNNNt")})
    EXPECT_THAT(refusal_of(archive(dict({{"a", value}}), {floats(six)})), HasSubstr("not described"));
}

TEST(Checkpoint, FindsTheStateDict) {
  const std::string one = dict({{"a", tensor(storage("0", 6), 0, {6}, {1})}});
  const std::string two =
      dict({{"b", tensor(storage("0", 6), 0, {6}, {1})}, {"c", tensor(storage("0", 6), 0, {1}, {1})}});
  const auto found = [&](const std::string& value) { return load(archive(value, {floats(six)})).found_at; };
  EXPECT_EQ(found(one), "");
  EXPECT_EQ(found(dict({{"model", one}, {"other", two}})), "model");
  EXPECT_EQ(found(dict({{"first", one}, {"other", two}})), "other");
  EXPECT_EQ(found(dict({{"model", two}, {"state_dict", one}})), "state_dict");
  EXPECT_EQ(found(dict({{"optimizer", two}, {"mine", one}})), "mine");
  EXPECT_EQ(found(dict({{"x", dict({{"y", dict({{"model", one}})}})}})), "x.y.model");
  EXPECT_THAT(refusal_of(archive("]")), HasSubstr("the file holds a list and no state_dict"));
  EXPECT_THAT(refusal_of(archive("}")), HasSubstr("no state_dict"));
  EXPECT_THAT(refusal_of(archive("}q\x00"s + text("self") + "h\x00s"s)), HasSubstr("no state_dict"));
}

TEST(Checkpoint, RefusesNamesThatClash) {
  const std::string value = tensor(storage("0", 6), 0, {6}, {1});
  EXPECT_THAT(refusal_of(archive(dict({{"a", value}, {"a", value}}), {floats(six)})),
              HasSubstr("\"a\" occurs twice"));
  EXPECT_THAT(refusal_of(archive(dict({{"\xff", value}}), {floats(six)})), HasSubstr("not UTF-8"));
}

TEST(Checkpoint, ReadsLegacyFiles) {
  const std::string state = dict({{"a", tensor(storage("123", 6, "FloatStorage", "N"), 1, {5}, {1})}});
  EXPECT_THAT(values_of(legacy(state, {{"123", 6, floats(six)}})), ElementsAre(2, 3, 4, 5, 6));
  const std::string view = tuple({text("view"), number(2), number(3)});
  const std::string part = dict({{"a", tensor(storage("123", 6, "FloatStorage", view), 1, {2}, {1})}});
  EXPECT_THAT(values_of(legacy(part, {{"123", 6, floats(six)}})), ElementsAre(4, 5));
  const std::string beyond = dict({{"a", tensor(storage("123", 6, "FloatStorage", view), 1, {3}, {1})}});
  EXPECT_THAT(refusal_of(legacy(beyond, {{"123", 6, floats(six)}})), HasSubstr("reaches outside"));
  for (const std::string& wrong :
       {numbers({0, 2, 5}), numbers({0, 7, 0}), numbers({0, -1, 1}), numbers({0, 1}), "\x88"s}) {
    const std::string value = dict({{"a", tensor(storage("123", 6, "FloatStorage", wrong), 0, {1}, {1})}});
    EXPECT_THAT(refusal_of(legacy(value, {{"123", 6, floats(six)}})), HasSubstr("no proper storage"));
  }
}

TEST(Checkpoint, RefusesLegacyFilesThatLie) {
  const std::string state = dict({{"a", tensor(storage("123", 6), 0, {6}, {1})}});
  EXPECT_EQ(refusal_of(legacy(state, {{"123", 6, floats(six)}})), "read");
  EXPECT_THAT(refusal_of(legacy(state, {{"123", 7, floats(six)}})), HasSubstr("more than the file holds"));
  EXPECT_THAT(refusal_of(legacy(state, {{"123", -1, floats(six)}})), HasSubstr("more than the file holds"));
  EXPECT_THAT(refusal_of(legacy(state, {{"123", 5, floats(six)}})), HasSubstr("of another size"));
  EXPECT_THAT(refusal_of(legacy(state, {})), HasSubstr("missing"));
  EXPECT_THAT(refusal_of(legacy(state, {{"124", 6, floats(six)}})), HasSubstr("unknown to the pickle"));
  EXPECT_THAT(refusal_of(legacy(state, {{"123", 0, ""}, {"123", 6, floats(six)}})), HasSubstr("twice"));
  const std::string whole_file = legacy(state, {{"123", 6, floats(six)}});
  for (std::size_t size = 0; size < whole_file.size(); ++size)
    EXPECT_NE(refusal_of(whole_file.substr(0, size)), "read");
  std::string version = whole_file;
  version.replace(version.find("\xe9\x03"), 2, "\xe8\x03");
  EXPECT_THAT(refusal_of(version), HasSubstr("protocol version"));
  std::string big_endian = whole_file;
  big_endian[big_endian.find("little_endian") + 13] = '\x89';
  EXPECT_THAT(refusal_of(big_endian), HasSubstr("big-endian"));
}

TEST(Checkpoint, RefusesOtherGlobalsByName) {
  const std::string evil = call(global("posix", "system"), tuple({text("ls")}));
  EXPECT_THAT(refusal_of(archive(dict({{"a", evil}}))), HasSubstr("\"posix.system\""));
  EXPECT_THAT(refusal_of(legacy(dict({{"a", evil}}), {})), HasSubstr("\"posix.system\""));
  for (const char* name : {"eval", "exec", "getattr", "__import__", "open", "compile"})
    EXPECT_THAT(refusal_of(archive(global("builtins", name))), HasSubstr("\"builtins."s + name + "\""));
  EXPECT_THAT(refusal_of(archive(global("torch.nn.modules.linear", "Linear"))), HasSubstr("not on the list"));
  EXPECT_THAT(refusal_of(archive(global("__main__", "Net") + ")\x81" +
                                 dict({{"_parameters", "}"}, {"_modules", "}"}}) + "b")),
              HasSubstr("whole pickled module"));
  EXPECT_THAT(refusal_of(archive(global("torch._utils", "_rebuild_qtensor"))), HasSubstr("quantized"));
  EXPECT_THAT(refusal_of(archive(global("torch.storage", "_load_from_bytes"))),
              HasSubstr("without torch.save"));
}

TEST(Checkpoint, RecognizesOtherArchives) {
  const auto refusal = [](const std::vector<ArchiveMember>& members) {
    return refusal_of(make_archive(members));
  };
  EXPECT_THAT(refusal({{"m/data.pkl", "N."}, {"m/constants.pkl", "N."}}), HasSubstr("TorchScript"));
  EXPECT_THAT(refusal({{"m/archive_format", "pt2"}}), HasSubstr(".pt2"));
  EXPECT_THAT(refusal({{"serialized_exported_program.json", "{}"}}), HasSubstr(".pt2"));
  EXPECT_THAT(refusal({{"config.json", "{}"}, {"model.weights.h5", ""}}), HasSubstr("Keras"));
  EXPECT_THAT(refusal({{"a.npy", ""}}), HasSubstr("NumPy"));
  EXPECT_THAT(refusal({{"a.txt", ""}}), HasSubstr("no data.pkl"));
  EXPECT_THAT(refusal({{"m/data.pkl", "N."}, {"m/byteorder", "big"}}), HasSubstr("big-endian"));
}

TEST(Checkpoint, RecognizesOtherFormats) {
  EXPECT_THAT(refusal_of("\x89HDF\r\n\x1a\n........"), HasSubstr("HDF5"));
  EXPECT_THAT(refusal_of("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("git lfs pull"));
  EXPECT_THAT(refusal_of("<html>"), HasSubstr("web page"));
  EXPECT_THAT(refusal_of(std::string(257, '\0') + "ustar"), HasSubstr("tar"));
  EXPECT_THAT(refusal_of("\x80\x04N."), HasSubstr("torch.save didn't write"));
  EXPECT_THAT(refusal_of("hello"), HasSubstr("no checkpoint"));
  EXPECT_THAT(refusal_of(""), HasSubstr("no checkpoint"));
}

TEST(Checkpoint, LooksLikeOne) {
  const auto looks = [](const std::string& bytes) { return looks_like_checkpoint(data_of(bytes).bytes()); };
  EXPECT_TRUE(looks(with_tensor(0, {6}, {1})));
  EXPECT_TRUE(looks(legacy("}", {})));
  EXPECT_TRUE(looks("\x80\x04N."));
  EXPECT_FALSE(looks("\x08\x09onnx"));
  EXPECT_FALSE(looks(""));
}

TEST(Checkpoint, ReadsFilesAndDescribesThem) {
  const std::string path = testing::TempDir() + "checkpoint_test.pth";
  std::ofstream(path, std::ios::binary)
      << archive(dict({{"model_state_dict", dict({{"module.a", tensor(storage("0", 6), 0, {2, 3}, {3, 1})}})},
                       {"config", dict({{"arch", text("resnet18")}})}}),
                 {floats(six)});
  const nlohmann::json description = describe_checkpoint(read_checkpoint(std::filesystem::path(path)));
  EXPECT_EQ(description["found_at"], "model_state_dict");
  EXPECT_EQ(description["prefix"], "module.");
  EXPECT_EQ(description["config"], nlohmann::json({{"arch", "resnet18"}}));
  EXPECT_EQ(description["tensors"][0]["name"], "a");
  EXPECT_EQ(description["tensors"][0]["shape"], nlohmann::json({2, 3}));
  EXPECT_EQ(description["tensors"][0]["dtype"], "float32");
  // sha256 of six little-endian floats 1 to 6, by Python's hashlib.
  EXPECT_EQ(description["tensors"][0]["sha256"],
            "24ae2dfe8df57c1b80e54cef3d90ac3b417fd98973345a5f616bbc9a75dcc202");
  EXPECT_THROW(read_checkpoint(std::filesystem::path(path + ".missing")), Error);
}

TEST(Checkpoint, NeverCrashesOnDamagedBytes) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  // The legacy form has no checksums, so damage reaches every part of the reader.
  const std::string state = dict({{"model", dict({{"a", tensor(storage("1", 6), 0, {2, 3}, {1, 2})}})},
                                  {"config", dict({{"sizes", numbers({1, 2})}})}});
  const std::string whole_file = legacy(state, {{"1", 6, floats(six)}});
  for (int round = 0; round < 5000; ++round) {
    std::string damaged = whole_file;
    for (int i = 0; i < 3; ++i) damaged[30 + random() % (damaged.size() - 30)] = static_cast<char>(random());
    refusal_of(damaged);
  }
}

}  // namespace
}  // namespace calib8
