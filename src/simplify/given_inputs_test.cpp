#include "simplify/given_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "calib8/error.h"
#include "simplify/test_graph.h"

namespace calib8 {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string usage_error(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    return error.what();
  }
  return "(none)";
}

struct Given : TestGraph {
  OnnxValueId x = input("x", Shape{1, 4});

  OnnxValueId typed(DType dtype, std::vector<Dimension> shape) {
    const OnnxValueId id = input("v", std::move(shape));
    (*this)[id].type->dtype = dtype;
    return id;
  }
};

TEST(GivenInputs, OneNumberIsAllElements) {
  Given graph;
  const OnnxValueId v = graph.typed(DType::float32, {{-1, "batch"}, {3, {}}});
  fix_input(graph, "v", {0.5});
  ASSERT_TRUE(graph[v].constant);
  EXPECT_EQ(graph[v].constant->shape, (Shape{1, 3}));
  EXPECT_THAT(to_float(*graph[v].constant), ElementsAre(0.5f, 0.5f, 0.5f));
  EXPECT_THAT(graph.inputs(), ElementsAre(graph.x));
}

TEST(GivenInputs, OpenSizesFollowFromTheNumbers) {
  const auto shape_of = [](std::vector<Dimension> shape, std::size_t count) {
    Given graph;
    const OnnxValueId v = graph.typed(DType::int64, std::move(shape));
    fix_input(graph, "v", std::vector<double>(count, 7));
    return graph[v].constant->shape;
  };
  EXPECT_EQ(shape_of({}, 1), Shape{});
  EXPECT_EQ(shape_of({{-1, {}}}, 5), Shape{5});
  EXPECT_EQ(shape_of({{-1, {}}, {3, {}}}, 6), (Shape{2, 3}));
  EXPECT_EQ(shape_of({{-1, {}}, {-1, {}}}, 6), (Shape{1, 6}));
  EXPECT_EQ(shape_of({{2, {}}, {-1, {}}}, 6), (Shape{2, 3}));
}

TEST(GivenInputs, NumbersHaveTheInputsType) {
  const auto refusal = [](DType dtype, double value) {
    Given graph;
    graph.typed(dtype, {});
    return usage_error([&] { fix_input(graph, "v", {value}); });
  };
  EXPECT_EQ(refusal(DType::int64, 16000), "(none)");
  EXPECT_EQ(refusal(DType::uint8, 255), "(none)");
  EXPECT_EQ(refusal(DType::float16, 0.5), "(none)");
  EXPECT_EQ(refusal(DType::boolean, 1), "(none)");
  EXPECT_THAT(refusal(DType::int64, 0.5), HasSubstr("'v': the input is int64, and one of the numbers isn't"));
  EXPECT_THAT(refusal(DType::int64, 1e300), HasSubstr("int64"));
  EXPECT_THAT(refusal(DType::uint8, 256), HasSubstr("uint8"));
  EXPECT_THAT(refusal(DType::uint8, -1), HasSubstr("uint8"));
  EXPECT_THAT(refusal(DType::boolean, 2), HasSubstr("neither 0 nor 1"));
  EXPECT_THAT(refusal(DType::bfloat16, 1), HasSubstr("bfloat16"));
}

TEST(GivenInputs, RefusesWhatDoesNotFit) {
  const auto refusal = [](std::vector<Dimension> shape, std::vector<double> values) {
    Given graph;
    graph.typed(DType::float32, std::move(shape));
    return usage_error([&] { fix_input(graph, "v", values); });
  };
  EXPECT_THAT(refusal({{4, {}}}, {1, 2, 3}), HasSubstr("3 numbers are given for an input of 4, [4]"));
  EXPECT_THAT(refusal({{2, {}}, {-1, "n"}}, {1}), HasSubstr("leaves its shape open, [2, n]"));
  EXPECT_THAT(refusal({{-1, {}}, {-1, {}}, {-1, {}}}, {1, 2}), HasSubstr("leaves its shape open"));
  EXPECT_THAT(refusal({{1 << 20, {}}, {1 << 20, {}}, {1 << 30, {}}}, {1}), HasSubstr("too many elements"));
  Given graph;
  EXPECT_THAT(usage_error([&] { fix_input(graph, "y", {1}); }), HasSubstr("no such input; it has 'x'"));
  EXPECT_THAT(usage_error([&] { fix_input(graph, "x", {1}); }), HasSubstr("only input"));
}

TEST(GivenInputs, SizesFillInWhatIsOpen) {
  Given graph;
  const OnnxValueId v = graph.typed(DType::float32, {{-1, "n"}, {3, {}}});
  EXPECT_THAT(usage_error([&] {
                set_input_shape(graph, "v", {2, 4});
              }),
              HasSubstr("2,4 doesn't fit the input's shape, [n, 3]"));
  EXPECT_THAT(usage_error([&] { set_input_shape(graph, "v", {2}); }), HasSubstr("doesn't fit"));
  EXPECT_THAT(usage_error([&] { set_input_shape(graph, "v", {0, 3}); }), HasSubstr("less than 1"));
  set_input_shape(graph, "v", {2, 3});
  EXPECT_EQ(graph[v].type->static_shape(), (Shape{2, 3}));
}

}  // namespace
}  // namespace calib8
