#include "verify/joined_parts.h"

#include <gtest/gtest.h>

namespace calib8 {
namespace {

class JoinedPartsTest : public testing::Test {
 protected:
  TensorId input(const char* name, const Shape& shape) {
    return graph.add_value({name, DType::float32, shape, std::nullopt, std::nullopt});
  }
  TensorId join(std::vector<TensorId> parts, std::int32_t axis, const Shape& shape) {
    return graph.emit(tflite::Concatenation{axis}, std::move(parts), "joined", shape);
  }
  TensorId transpose(TensorId of, const std::vector<std::int32_t>& permutation, const Shape& shape) {
    return graph.emit(tflite::Transpose{}, {of, graph.add_constant("permutation", permutation)}, "moved",
                      shape);
  }

  TfliteGraph graph;
};

using Parts = std::vector<std::uint16_t>;

TEST_F(JoinedPartsTest, FollowsAJoinOnAnInnerAxis) {
  const TensorId boxes = input("boxes", {1, 2, 2}), scores = input("scores", {1, 2, 1});
  const JoinedParts joined = joined_parts(graph, join({boxes, scores}, -1, {1, 2, 3}));
  EXPECT_EQ(joined.parts, (std::vector<TensorId>{boxes, scores}));
  EXPECT_EQ(joined.part_of, (Parts{0, 0, 1, 0, 0, 1}));
}

TEST_F(JoinedPartsTest, FollowsTransposesAndNestedJoins) {
  const TensorId a = input("a", {1, 1, 2}), b = input("b", {1, 1, 2}), c = input("c", {1, 2, 2});
  const TensorId all = join({join({a, b}, 1, {1, 2, 2}), c}, 1, {1, 4, 2});  // a, b, c, c
  const TensorId moved = transpose(all, {0, 2, 1}, {1, 2, 4});
  const TensorId shape = graph.add_constant("shape", std::vector<std::int32_t>{8});
  const TensorId flat = graph.emit(tflite::Reshape{{8}}, {moved, shape}, "flat", {8});
  const JoinedParts joined = joined_parts(graph, flat);
  EXPECT_EQ(joined.parts, (std::vector<TensorId>{a, b, c}));
  EXPECT_EQ(joined.part_of, (Parts{0, 1, 2, 2, 0, 1, 2, 2}));
}

TEST_F(JoinedPartsTest, IsOnePartWhereNothingIsJoined) {
  const TensorId x = input("x", {1, 3});
  const TensorId y = graph.emit(tflite::Tanh{}, {x}, "y", {1, 3});
  EXPECT_EQ(joined_parts(graph, y).parts, std::vector<TensorId>{y});
  EXPECT_EQ(joined_parts(graph, x).part_of, (Parts{0, 0, 0}));
}

TEST_F(JoinedPartsTest, GivesUpOnAJoinOfVeryMany) {
  const std::vector<TensorId> many(100, input("x", {1, 1}));
  const TensorId all = join(many, 1, {1, 100});
  EXPECT_EQ(joined_parts(graph, all).parts, std::vector<TensorId>{all});
  EXPECT_EQ(joined_parts(graph, all).part_of, Parts(100, 0));
}

}  // namespace
}  // namespace calib8
