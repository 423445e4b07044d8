#include "container/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "calib8/error.h"
#include "container/archive_for_tests.h"

namespace calib8 {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

void allow_all(std::string_view, std::string_view) {}

Pickle load(const std::string& bytes, const PickleLimits& limits = {}) {
  return read_pickle(data_of(bytes), allow_all, "test.pkl", limits);
}

std::string refusal_of(const std::string& bytes, const PickleLimits& limits = {}) {
  try {
    load(bytes, limits);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::model);
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
    return error.message();
  }
  return "read";
}

template <class T>
const T& root(const Pickle& pickle) {
  const T* value = pickle.get_if<T>(pickle.root);
  if (!value) throw std::runtime_error("the root is " + std::string(describe_kind(pickle[pickle.root])));
  return *value;
}

std::string repeat(const std::string& text, std::size_t times) {
  std::string repeated;
  for (std::size_t i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST(Pickle, ReadsIntegers) {
  const std::pair<std::string, std::int64_t> cases[] = {
      {"K\xff.", 255},
      {"M\x01\x02.", 0x201},
      {"J\xff\xff\xff\xff.", -1},
      {"I-12\n.", -12},
      {"L9000000000L\n.", 9000000000},
      {"L5\n.", 5},
      {"\x8a\x00."s, 0},
      {"\x8a\x01\x80.", -128},
      {"\x8a\x02\x80\x00."s, 128},
      {"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80."s, std::numeric_limits<std::int64_t>::min()},
      {"\x8a\x0a\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00."s, 1},
      {"\x8b\x02\x00\x00\x00\xfe\xff."s, -2},
  };
  for (const auto& [bytes, value] : cases) {
    const Pickle pickle = load(bytes);
    EXPECT_EQ(root<std::int64_t>(pickle), value) << bytes;
    EXPECT_EQ(pickle.size, bytes.size());
  }
  const Pickle big = load("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00."s);
  EXPECT_EQ(root<PickleBigInteger>(big).bytes.size(), 9u);
}

TEST(Pickle, ReadsOtherScalars) {
  EXPECT_EQ(root<bool>(load("\x80\x02\x88.")), true);
  EXPECT_EQ(root<bool>(load("\x89.")), false);
  EXPECT_EQ(root<bool>(load("I01\n.")), true);
  EXPECT_EQ(root<std::monostate>(load("N.")), std::monostate());
  EXPECT_EQ(root<double>(load("G\x3f\xf8\x00\x00\x00\x00\x00\x00."s)), 1.5);
  EXPECT_EQ(root<double>(load("F-0.25\n.")), -0.25);
}

TEST(Pickle, ReadsTexts) {
  const std::pair<std::string, std::string> strings[] = {
      {"X\x02\x00\x00\x00hi."s, "hi"},
      {"\x8c\x02hi.", "hi"},
      {"\x8d\x02\x00\x00\x00\x00\x00\x00\x00hi."s, "hi"},
      {"U\x02hi.", "hi"},
      {"T\x02\x00\x00\x00hi."s, "hi"},
      {"S'h\\x41\\n\\'\\\\'\n.", "hA\n'\\"},
      {"S\"\\a\\b\\f\\r\\t\\v\\\"\"\n.", "\a\b\f\r\t\v\""},
      {"Vh\\u00e9\\u20ac\\U0001f600\xe9\n.", "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9"},
  };
  for (const auto& [bytes, text] : strings) EXPECT_EQ(root<PickleString>(load(bytes)).text, text) << bytes;
  for (const std::string& bytes :
       {"C\x01x."s, "B\x01\x00\x00\x00x."s, "\x8e\x01\x00\x00\x00\x00\x00\x00\x00x."s,
        "\x96\x01\x00\x00\x00\x00\x00\x00\x00x."s})
    EXPECT_EQ(root<PickleBytes>(load(bytes)).bytes, "x");
}

TEST(Pickle, ReadsContainers) {
  EXPECT_EQ(root<PickleTuple>(load("K\x01K\x02K\x03\x87.")).items.size(), 3u);
  EXPECT_EQ(root<PickleTuple>(load("K\x01K\x02\x86.")).items.size(), 2u);
  EXPECT_EQ(root<PickleTuple>(load("(K\x01K\x02t.")).items.size(), 2u);
  EXPECT_EQ(root<PickleList>(load("(K\x01K\x02l.")).items.size(), 2u);
  EXPECT_EQ(root<PickleList>(load("]K\x01"
                                  "a(K\x02K\x03"
                                  "e."))
                .items.size(),
            3u);
  EXPECT_EQ(root<PickleSet>(load("\x8f(K\x01\x90.")).items.size(), 1u);
  EXPECT_EQ(root<PickleSet>(load("(K\x01K\x02\x91.")).items.size(), 2u);
  EXPECT_EQ(root<PickleDict>(load("(K\x01K\x02"
                                  "d."))
                .entries.size(),
            1u);
  EXPECT_EQ(root<PickleDict>(load("}K\x01K\x02s(K\x03K\x04K\x05K\x06u.")).entries.size(), 3u);
}

TEST(Pickle, ReadsTheMemo) {
  for (const std::string& bytes :
       {"]q\x00h\x00\x86."s, "]p5\ng5\n\x86."s, "]r\x00\x01\x00\x00j\x00\x01\x00\x00\x86."s,
        "]\x94h\x00\x86."s, "]2\x86."s}) {
    // Tuples of the same list twice.
    const Pickle pickle = load(bytes);
    const auto& items = root<PickleTuple>(pickle).items;
    EXPECT_EQ(items[0], items[1]) << bytes;
  }
  EXPECT_EQ(root<std::int64_t>(load("K\x01K\x02"
                                    "0.")),
            1);
  EXPECT_EQ(root<std::int64_t>(load("K\x01(0.")), 1);
  EXPECT_EQ(root<std::int64_t>(load("K\x01(K\x02K\x03"
                                    "1.")),
            1);
}

TEST(Pickle, KeepsCallsAsData) {
  const Pickle pickle = load(
      "\x80\x02"
      "cposix\nsystem\nX\x02\x00\x00\x00ls\x85RK\x01"
      "b."s);
  const auto& object = root<PickleObject>(pickle);
  EXPECT_EQ(pickle.get_if<PickleGlobal>(object.callable)->module, "posix");
  EXPECT_EQ(pickle.get_if<PickleGlobal>(object.callable)->name, "system");
  EXPECT_EQ(pickle.get_if<PickleTuple>(object.arguments)->items.size(), 1u);
  EXPECT_EQ(*pickle.get_if<std::int64_t>(*object.state), 1);
  const Pickle other =
      load("\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01m\x8c\x01n\x93)\x81(K\x01K\x02u]a."s);
  EXPECT_EQ(root<PickleObject>(other).entries.size(), 1u);
  EXPECT_EQ(root<PickleObject>(other).items.size(), 1u);
  EXPECT_EQ(root<PickleObject>(load("cm\nn\n)}\x92.")).items.size(), 0u);
  const Pickle persistent = load("(K\x01tQ.");
  EXPECT_NE(persistent.get_if<PickleTuple>(root<PicklePersistent>(persistent).identity), nullptr);
  EXPECT_EQ(root<PicklePersistent>(load("Pkey\n.")).identity, PickleId(0));
}

TEST(Pickle, AsksForEachGlobal) {
  std::vector<std::string> asked;
  const auto check = [&](std::string_view module, std::string_view name) {
    asked.push_back(std::string(module) + "." + std::string(name));
    if (module == "posix") throw Error(ErrorCode::model, "not this one");
  };
  EXPECT_THROW(read_pickle(data_of("ca\nb\n\x8c\x05posix\x8c\x06system\x93N."), check, "x"), Error);
  EXPECT_THAT(asked, testing::ElementsAre("a.b", "posix.system"));
}

TEST(Pickle, RefusesMalformed) {
  for (const std::string& bytes : {""s,
                                   "."s,
                                   "K"s,
                                   "N"s,
                                   "NN."s,
                                   "(N."s,
                                   "t."s,
                                   "e."s,
                                   "h\x00."s,
                                   "g1\n."s,
                                   "gx\n."s,
                                   "g-1\n."s,
                                   "Na."s,
                                   "NNNs."s,
                                   "}(Nu."s,
                                   "]NNs."s,
                                   "N)R."s,
                                   "cm\nn\nNR."s,
                                   "NNb."s,
                                   "NN\x93."s,
                                   "cm\n"s,
                                   "I1x\n."s,
                                   "I99999999999999999999\n."s,
                                   "Fx\n."s,
                                   "Sx\n."s,
                                   "S'\\q'\n."s,
                                   "S'\\x4'\n."s,
                                   "S'\\'\n."s,
                                   "V\\u12\n."s,
                                   "V\\Uffffffff\n."s,
                                   "\x80\x06N."s,
                                   "(0t."s,
                                   "0."s,
                                   "1."s,
                                   "2."s,
                                   "(2."s,
                                   "\x8b\xff\xff\xff\xff."s,
                                   "X\xff\xff\xff\xff."s,
                                   "cm\nn\n)N\x92."s,
                                   "cm\nn\n)}NNs\x92."s,
                                   "\x95\xff\xff\xff\xff\xff\xff\xff\xffN."s,
                                   "im\nn\n."s,
                                   "(cm\nn\no."s,
                                   "\x82\x01."s,
                                   "\x97."s,
                                   "\x98."s,
                                   "\xff."s})
    EXPECT_NE(refusal_of(bytes), "read") << testing::PrintToString(bytes);
}

TEST(Pickle, RefusesEveryTruncation) {
  const std::string whole =
      "\x80\x02}q\x00(X\x01\x00\x00\x00"
      "aK\x01X\x01\x00\x00\x00"
      "bG\x3f\xf8\x00\x00\x00\x00\x00\x00u."s;
  ASSERT_EQ(refusal_of(whole), "read");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refusal_of(whole.substr(0, size)), "read") << size;
}

TEST(Pickle, BoundsDepth) {
  EXPECT_EQ(refusal_of(repeat("]", 100) + repeat("a", 99) + "."), "read");
  EXPECT_THAT(refusal_of(repeat("]", 100000) + repeat("a", 99999) + "."), HasSubstr("nested too deeply"));
  EXPECT_THAT(refusal_of(")" + repeat("\x85", 100000) + "."), HasSubstr("nested too deeply"));
  EXPECT_THAT(refusal_of(repeat("(", 100000) + repeat("t", 100000) + "."), HasSubstr("nested too deeply"));
  EXPECT_THAT(refusal_of("N" + repeat("Q", 100000) + "."), HasSubstr("nested too deeply"));
}

TEST(Pickle, DestroysDeepTreesWithoutRecursion) {
  const std::size_t depth = 300000;
  const Pickle pickle =
      load(repeat("]", depth) + repeat("a", depth - 1) + ".", {.depth = depth + 1, .expanded = depth + 1});
  EXPECT_EQ(pickle.values.size(), depth);
}

TEST(Pickle, BoundsSharing) {
  std::string bomb = "]q\x00"s;
  for (char level = 0; level < 60; ++level) {
    const std::string recall = {'h', level};
    bomb += "0](" + repeat(recall, 10) + "eq" + std::string(1, static_cast<char>(level + 1));
  }
  EXPECT_THAT(refusal_of(bomb + "."), HasSubstr("memo bomb"));
}

TEST(Pickle, BoundsCounts) {
  EXPECT_THAT(refusal_of("(" + repeat("N", 101) + "t.", {.values = 100}), HasSubstr("too many values"));
  EXPECT_THAT(refusal_of("(N" + repeat("2", 101) + "t.", {.stack = 100}), HasSubstr("piles up"));
  EXPECT_THAT(refusal_of("N" + repeat("\x94", 101) + ".", {.memo = 100}), HasSubstr("remembers too many"));
  // The largest memo key is only a key.
  EXPECT_EQ(refusal_of("Nr\xff\xff\xff\xff."), "read");
}

TEST(Pickle, NeverCrashesOnRandomOpcodes) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string opcodes =
      "(.012FIJKLMNPQRSTUVX]abcd}eghjlpqrstu)"
      "GBC\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8f\x90\x91\x92\x93\x94\n1\x02";
  for (int round = 0; round < 20000; ++round) {
    std::string bytes;
    for (auto length = random() % 40; length-- > 0;) bytes.push_back(opcodes[random() % opcodes.size()]);
    refusal_of(bytes + ".");
  }
}

}  // namespace
}  // namespace calib8
