#include "read/plain_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"
#include "read/checkpoint_for_tests.h"

namespace calib8 {
namespace {

using namespace pickled;
using namespace std::string_literals;
using Json = nlohmann::json;
using testing::HasSubstr;

/// The JSON of these opcodes' value; a text "nothing" where it has none.
Json json_of(const std::string& value, const PlainValueLimits& limits = {}) {
  const std::string where = "test";
  const Pickle pickle = read_pickle(
      data_of(whole(value)), [](std::string_view, std::string_view) {}, where);
  return PlainValueReader(pickle, where, limits).read(pickle.root).value_or("nothing");
}

std::string raw(const std::string& bytes) {
  return "C" + std::string(1, static_cast<char>(bytes.size())) + bytes;
}

std::string numpy_type(const std::string& code, const std::string& order = "<") {
  return call(global("numpy", "dtype"), tuple({text(code), "\x89", "\x88"})) +
         tuple({number(3), text(order)}) + "b";
}

std::string numpy_scalar(const std::string& code, const std::string& bytes, const std::string& order = "<") {
  return call(global("numpy.core.multiarray", "scalar"), tuple({numpy_type(code, order), raw(bytes)}));
}

std::string numpy_array(const std::vector<std::int64_t>& shape, const std::string& bytes,
                        bool column_major = false) {
  return call(global("numpy.core.multiarray", "_reconstruct"),
              tuple({global("numpy", "ndarray"), numbers({0}), raw("b")})) +
         tuple({number(1), numbers(shape), numpy_type("u1"), column_major ? "\x88" : "\x89", raw(bytes)}) +
         "b";
}

TEST(PlainValues, ReadsNumpyScalars) {
  EXPECT_EQ(json_of(numpy_scalar("f8", "\x00\x00\x00\x00\x00\x00\xf8\x3f"s)), 1.5);
  EXPECT_EQ(json_of(numpy_scalar("f4", "\x00\x00\xc0\x3f"s)), 1.5);
  EXPECT_EQ(json_of(numpy_scalar("f2", "\x00\x3e"s)), 1.5);
  EXPECT_EQ(json_of(numpy_scalar("i2", "\xfe\xff")), -2);
  EXPECT_EQ(json_of(numpy_scalar("i2", "\xff\xfe", ">")), -2);
  EXPECT_EQ(json_of(numpy_scalar("u8", "\xff\xff\xff\xff\xff\xff\xff\xff")),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(json_of(numpy_scalar("b1", "\x01")), true);
  EXPECT_EQ(json_of(numpy_type("f4")), "f4");
}

TEST(PlainValues, ReadsNumpyArrays) {
  EXPECT_EQ(json_of(numpy_array({2, 3}, "\1\2\3\4\5\6")), Json({{1, 2, 3}, {4, 5, 6}}));
  EXPECT_EQ(json_of(numpy_array({2, 3}, "\1\4\2\5\3\6", true)), Json({{1, 2, 3}, {4, 5, 6}}));
  EXPECT_EQ(json_of(numpy_array({0, 3}, "")), Json::array());
  EXPECT_EQ(json_of(numpy_array({}, "\7")), 7);
  const std::string buffer = call(global("numpy._core.numeric", "_frombuffer"),
                                  tuple({raw("\1\2\3\4"), numpy_type("u1"), numbers({2, 2}), text("F")}));
  EXPECT_EQ(json_of(buffer), Json({{1, 3}, {2, 4}}));
}

TEST(PlainValues, LeavesOutNumpyThatLies) {
  for (const std::string& value :
       {numpy_array({2, 3}, "\1\2\3\4\5"), numpy_array({-1}, ""), numpy_array({1 << 30, 1 << 30}, "\1"),
        numpy_array(std::vector<std::int64_t>(65, 1), "\1"), numpy_scalar("f3", "\1\2\3"),
        numpy_scalar("O8", "\1"), numpy_scalar("f8", "\1"), numpy_scalar("f", "\1"),
        numpy_scalar("f99999999999999999999", "\1"), call(global("numpy.core.multiarray", "scalar"), ")"),
        call(global("numpy.core.multiarray", "_reconstruct"), ")"), call(global("numpy", "dtype"), ")"),
        call(global("numpy._core.numeric", "_frombuffer"), "(NNNNt")})
    EXPECT_EQ(json_of(value), "nothing");
}

TEST(PlainValues, ReadsTimes) {
  const auto time = [](const std::string& name, const std::string& arguments) {
    return json_of(call(global("datetime", name), arguments));
  };
  const std::string delta = call(global("datetime", "timedelta"), numbers({-1, 79200, 0}));
  const std::string zone = call(global("datetime", "timezone"), tuple({delta}));
  const std::string moment = raw("\x07\xe8\x05\x11\x0d\x2d\x07\x00\x00\xfa"s);
  EXPECT_EQ(time("datetime", tuple({moment})), "2024-05-17T13:45:07.000250");
  EXPECT_EQ(time("datetime", tuple({moment, zone})), "2024-05-17T13:45:07.000250-02:00");
  EXPECT_EQ(time("date", tuple({raw("\x07\xe8\x05\x11")})), "2024-05-17");
  EXPECT_EQ(time("time", tuple({raw("\x0d\x2d\x07\x00\x00\x00"s)})), "13:45:07");
  EXPECT_EQ(time("timedelta", numbers({1, 2, 500000})), 86402.5);
  EXPECT_EQ(json_of(zone), "-02:00");
  for (const char* name : {"datetime", "date", "time"}) {
    EXPECT_EQ(time(name, ")"), "nothing");
    EXPECT_EQ(time(name, tuple({raw("abc")})), "nothing");
    EXPECT_EQ(time(name, tuple({raw("abcdefghijklm")})), "nothing");
  }
  EXPECT_EQ(time("timedelta", numbers({1, 2, 3, 4})), "nothing");
  EXPECT_EQ(time("timedelta", tuple({"N"})), "nothing");
  EXPECT_EQ(time("timezone", ")"), "nothing");
}

TEST(PlainValues, ReadsContainersOfPython) {
  const std::string pairs = "](" + tuple({text("a"), number(1)}) + tuple({text("b"), number(2)}) + "e";
  EXPECT_EQ(json_of(call(global("collections", "OrderedDict"), tuple({pairs}))), Json({{"a", 1}, {"b", 2}}));
  EXPECT_EQ(json_of(call(global("collections", "Counter"), tuple({dict({{"a", number(1)}})}))),
            Json({{"a", 1}}));
  EXPECT_EQ(json_of(call(global("__builtin__", "set"), tuple({"](" + number(1) + "e"}))), Json({1}));
  EXPECT_EQ(json_of(call(global("copy_reg", "_reconstructor"),
                         tuple({global("argparse", "Namespace"), global("__builtin__", "object"), "N"})) +
                    dict({{"a", number(1)}}) + "b"),
            Json({{"a", 1}}));
  EXPECT_EQ(json_of(call(global("argparse", "Namespace"), ")")), Json::object());
  EXPECT_EQ(json_of(call(global("pathlib", "PosixPath"), ")")), ".");
  EXPECT_EQ(json_of(global("torch", "float32")), "float32");
  EXPECT_EQ(json_of(call(global("torch", "Size"), tuple({numbers({1, 2})}))), Json({1, 2}));
  EXPECT_EQ(json_of(call(global("torch", "Size"), ")")), "nothing");
  EXPECT_EQ(json_of("}" + numbers({1, 2}) + "Ns" + number(7) + "Ns"),
            Json({{"[1,2]", nullptr}, {"7", nullptr}}));
}

TEST(PlainValues, MakesValidText) {
  EXPECT_EQ(json_of(text("a\xff")), "a\xef\xbf\xbd");
  EXPECT_EQ(json_of(raw("\xff")), "\xc3\xbf");
  EXPECT_NO_THROW(json_of(dict({{"\xff", text("\xff")}})).dump());
}

TEST(PlainValues, LeavesOutTensors) {
  const std::string value = tensor(storage("0", 1), 0, {1}, {1});
  EXPECT_EQ(json_of(dict({{"a", value}, {"b", number(1)}})), Json({{"b", 1}}));
  EXPECT_EQ(json_of("]" + value + "a"), Json::array({nullptr}));
}

TEST(PlainValues, BoundsSharedAndEndlessValues) {
  std::string bomb = "]q\x00"s;
  for (char level = 0; level < 7; ++level) {
    bomb += "0](";
    for (int i = 0; i < 10; ++i) bomb += {'h', level};
    bomb += "eq" + std::string(1, static_cast<char>(level + 1));
  }
  EXPECT_THROW(json_of(bomb), Error);
  EXPECT_THROW(json_of("]q\x00h\x00"
                       "a"s),
               Error);
  // A long text, many times.
  EXPECT_THROW(json_of(text(std::string(1 << 20, 'x')) + "q\x00(" +
                       [] {
                         std::string recalls;
                         for (int i = 0; i < 100; ++i) recalls += "h\x00"s;
                         return recalls;
                       }() +
                       "l\x86"),
               Error);
}

}  // namespace
}  // namespace calib8
