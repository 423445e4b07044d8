#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "optimize/graph_builder.h"
#include "optimize/passes.h"

namespace calib8::testing {
namespace {

using ::testing::ElementsAre;

constexpr float infinity = std::numeric_limits<float>::infinity();

/// Scores [2, 3] under a mask, and zero for shares that are no numbers.
struct Guard {
  GraphBuilder b;
  TensorId shares, result;

  explicit Guard(const std::vector<float>& mask) {
    const TensorId x = b.input({2, 3}),
                   added = b.graph.add_constant("mask", make_tensor<float>({2, 3}, mask));
    shares = b.emit(tflite::Softmax{}, {b.binary(tflite::Add{}, x, added)}, {2, 3});
    const TensorId condition = b.emit(tflite::NotEqual{}, {shares, shares}, {2, 3});
    b.graph[condition].dtype = DType::boolean;
    result = b.emit(tflite::SelectV2{}, {condition, b.filled({1, 1}, 0), shares}, {2, 3});
    b.output(b.emit(tflite::Relu{}, {result}, {2, 3}));
  }
  bool fold() { return fold_nan_guard(b.graph, b.graph.producer(result)); }
};

TEST(FoldNanGuard, NoRowIsMaskedThroughout) {
  Guard guard({0, -infinity, 0, -infinity, -infinity, 0});
  EXPECT_TRUE(guard.fold());
  EXPECT_EQ(guard.b.graph.users(guard.shares).size(), 1u);
  EXPECT_TRUE(guard.b.graph[guard.b.graph.users(guard.shares)[0]].is<tflite::Relu>());
}

TEST(FoldNanGuard, ARowThatIsMaskedThroughoutIsKnown) {
  Guard guard({0, -infinity, 0, -infinity, -infinity, -infinity});
  const OperatorId select = guard.b.graph.producer(guard.result);
  EXPECT_TRUE(guard.fold());
  EXPECT_FALSE(guard.fold()) << "once";
  const TensorId condition = guard.b.graph[select].inputs[0];
  ASSERT_TRUE(guard.b.graph.is_constant(condition));
  EXPECT_EQ(guard.b.graph[condition].shape, (Shape{2, 1}));
  EXPECT_THAT(to_int64(guard.b.graph[condition].as_tensor()), ElementsAre(0, 1));
}

TEST(FoldNanGuard, UnderAMaskThatIsComputedAsksItsCondition) {
  for (const bool where_true : {true, false}) {
    GraphBuilder b;
    const TensorId x = b.input({2, 3}), never = b.filled({1, 1}, -infinity);
    const TensorId condition = b.emit(tflite::Less{}, {x, b.filled({1, 1}, 0)}, {2, 3});
    b.graph[condition].dtype = DType::boolean;
    const TensorId scores = where_true ? b.emit(tflite::SelectV2{}, {condition, never, x}, {2, 3})
                                       : b.emit(tflite::SelectV2{}, {condition, x, never}, {2, 3});
    const TensorId shares = b.emit(tflite::Softmax{}, {scores}, {2, 3});
    const TensorId asked = b.emit(tflite::NotEqual{}, {shares, shares}, {2, 3});
    b.graph[asked].dtype = DType::boolean;
    const TensorId result = b.emit(tflite::SelectV2{}, {asked, b.filled({1, 1}, 0), shares}, {2, 3});
    b.output(result);
    const OperatorId guard = b.graph.producer(result);
    EXPECT_TRUE(fold_nan_guard(b.graph, guard));
    EXPECT_FALSE(fold_nan_guard(b.graph, guard)) << "once";
    EXPECT_EQ(kinds(b.graph),
              (Kinds{"LESS", "SELECT_V2", "SOFTMAX", "CAST", where_true ? "REDUCE_MIN" : "REDUCE_MAX",
                     where_true ? "GREATER" : "LESS", "SELECT_V2"}));
  }
}

TEST(FoldNanGuard, OfSomethingElseIsKept) {
  GraphBuilder b;
  const TensorId x = b.input({2, 3}), condition = b.emit(tflite::NotEqual{}, {x, x}, {2, 3});
  b.graph[condition].dtype = DType::boolean;
  const TensorId y = b.emit(tflite::SelectV2{}, {condition, b.filled({1, 1}, 0), x}, {2, 3});
  b.output(y);
  EXPECT_FALSE(fold_nan_guard(b.graph, b.graph.producer(y)));
}

}  // namespace
}  // namespace calib8::testing
