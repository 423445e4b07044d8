#include <gtest/gtest.h>

#include "ops/small_models.h"

namespace calib8 {
namespace {

/// An operator from one type to another, each with its scale.
struct Conversion {
  TfliteGraph graph;

  Conversion(tflite::Options options, DType from, std::optional<float> from_scale, DType to,
             std::optional<float> to_scale) {
    const auto quantization = [](std::optional<float> scale) {
      return scale ? std::optional(per_tensor(*scale, 0)) : std::nullopt;
    };
    const auto x = graph.add_value({"x", from, {1, 4}, quantization(from_scale), std::nullopt});
    const auto y = graph.emit(std::move(options), {x}, "y", {1, 4}, to);
    graph[y].quantization = quantization(to_scale);
  }
  const TfliteOperator& op() const { return graph[graph.nodes()[0]]; }
  bool is_taken() const { return tflite_op(op().options).runs_on_xnnpack(graph, op()); }
  int version() const { return tflite_op(op().options).version(graph, op()); }
};

TEST(Quantize, XnnpackTakesModerateRatios) {
  const tflite::Quantize q;
  EXPECT_TRUE(Conversion(q, DType::float32, {}, DType::int8, 0.1f).is_taken());
  EXPECT_TRUE(Conversion(q, DType::int8, 0.5f, DType::int8, 0.25f).is_taken());
  EXPECT_TRUE(Conversion(q, DType::int8, 128.0f, DType::int8, 1.0f).is_taken());
  EXPECT_FALSE(Conversion(q, DType::int8, 129.0f, DType::int8, 1.0f).is_taken());
  EXPECT_FALSE(Conversion(q, DType::int8, 1.0f, DType::int8, 257.0f).is_taken());
  EXPECT_FALSE(Conversion(q, DType::uint8, 1.0f, DType::int8, 1.0f).is_taken());
  EXPECT_EQ(Conversion(q, DType::float32, {}, DType::int8, 0.1f).version(), 1);
  EXPECT_EQ(Conversion(q, DType::float32, {}, DType::int16, 0.1f).version(), 2);
}

TEST(Dequantize, VersionsFollowTheInput) {
  const tflite::Dequantize d;
  EXPECT_TRUE(Conversion(d, DType::int8, 0.1f, DType::float32, {}).is_taken());
  EXPECT_TRUE(Conversion(d, DType::uint8, 0.1f, DType::float32, {}).is_taken());
  EXPECT_FALSE(Conversion(d, DType::float16, {}, DType::float32, {}).is_taken());
  EXPECT_EQ(Conversion(d, DType::int8, 0.1f, DType::float32, {}).version(), 2);
  EXPECT_EQ(Conversion(d, DType::uint8, 0.1f, DType::float32, {}).version(), 1);
  EXPECT_EQ(Conversion(d, DType::float16, {}, DType::float32, {}).version(), 3);
}

TEST(Dequantize, XnnpackFoldsConstants) {
  TfliteGraph graph;
  const auto half = graph.add_value({"w",
                                     DType::float16,
                                     {2},
                                     std::nullopt,
                                     Data::from_vector(std::vector<std::uint16_t>{0x3c00, 0x4000})});
  graph.emit(tflite::Dequantize{}, {half}, "y", {2});
  EXPECT_TRUE(tflite_op(tflite::Dequantize{}).runs_on_xnnpack(graph, graph[graph.nodes()[0]]));
}

}  // namespace
}  // namespace calib8
