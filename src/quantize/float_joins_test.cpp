#include "quantize/float_joins.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "quantize/small_plans.h"

namespace calib8 {
namespace {

/// Boxes up to `size` and scores up to 1, joined and reshaped.
struct Detector : SmallGraph {
  TensorId joined, output;

  explicit Detector(float size) {
    const TensorId x = input({1, 4}, {-1, 1});
    const TensorId boxes = emit(tflite::Add{}, {x, x}, {1, 4}, Range{0, size});
    const TensorId scores = emit(tflite::Logistic{}, {x}, {1, 4});
    joined = emit(tflite::Concatenation{1, {}}, {boxes, scores}, {1, 8});
    const TensorId shape = graph.add_constant("shape", std::vector<std::int32_t>{8});
    output = emit(tflite::Reshape{{8}}, {joined, shape}, {8});
  }
};

TEST(FloatJoins, PartsOfDifferentSizeKeepScalesOfTheirOwn) {
  Detector model(640);
  const Plan plan = model.plan({model.output}, {.has_float_outputs = true});
  ASSERT_EQ(plan.float_operators.size(), 2u) << "the RESHAPE behind it is float too";
  EXPECT_NE(plan.float_operators[0].reason.find("different size"), std::string::npos);
  EXPECT_EQ(operator_names(model.quantized(plan, ModelIo::float32)),
            (std::vector<std::string_view>{"QUANTIZE", "ADD", "LOGISTIC", "DEQUANTIZE", "DEQUANTIZE",
                                           "CONCATENATION", "RESHAPE"}));
}

TEST(FloatJoins, OneOutputMayBeFloatAndAnotherNot) {
  Detector model(640);
  const TensorId next =
      model.emit(tflite::Add{}, {model.observed[0].first, model.observed[0].first}, {1, 4}, Range{-2, 2});
  const Plan plan = model.plan({next, model.output}, {.float_outputs = {model.output}});
  EXPECT_EQ(plan.float_operators.size(), 2u) << "the join and the RESHAPE behind it";
  EXPECT_TRUE(plan.squeezing_joins.empty());
  const TfliteGraph quantized = model.quantized(plan);
  EXPECT_EQ(quantized[quantized.outputs()[0]].dtype, DType::int8);
  EXPECT_EQ(quantized[quantized.outputs()[1]].dtype, DType::float32);
  Detector other(640);
  const TensorId more = other.emit(tflite::Add{}, {other.joined, other.joined}, {1, 8}, Range{0, 1280});
  EXPECT_TRUE(other.plan({other.output, more}, {.float_outputs = {more}}).float_operators.empty())
      << "the join isn't on the way to that one alone";
}

TEST(FloatJoins, AreOfOutputsAloneAndOfDifferentSizesAlone) {
  Detector alike(2);
  EXPECT_TRUE(alike.plan({alike.output}, {.has_float_outputs = true}).float_operators.empty());
  EXPECT_TRUE(alike.plan({alike.output}).squeezing_joins.empty());
  Detector integers(640);
  const Plan squeezed = integers.plan({integers.output});
  EXPECT_TRUE(squeezed.float_operators.empty());
  ASSERT_EQ(squeezed.squeezing_joins.size(), 1u) << "which is said";
  EXPECT_FLOAT_EQ(static_cast<float>(squeezed.squeezing_joins[0].widest), 640);
  Detector inner(640);
  const TensorId next = inner.emit(tflite::Add{}, {inner.joined, inner.joined}, {1, 8}, Range{0, 1280});
  EXPECT_TRUE(inner.plan({inner.output, next}, {.has_float_outputs = true}).float_operators.empty());
}

/// A token beside three patches of up to 5, what a layer adds to them, and the layer normalization that reads
/// it.
struct Tokens : SmallGraph {
  TensorId joined, sum, output;

  explicit Tokens(float token) {
    const Shape whole{1, 4, 4}, line{1, 4, 1};
    const TensorId patches = input({1, 3, 4}, {-5, 5}), added = input(whole, {-5, 5});
    joined =
        emit(tflite::Concatenation{1, {}}, {constant({1, 1, 4}, {token, -token, 0, token}), patches}, whole);
    sum = emit(tflite::Add{}, {joined, added}, whole, Range{-9, 9});
    const TensorId axes = graph.add_constant("axes", std::vector<std::int32_t>{2});
    const TensorId mean = emit(tflite::Mean{{true}}, {sum, axes}, line, Range{-1, 1});
    const TensorId difference = emit(tflite::Sub{}, {sum, mean}, whole, Range{-9, 9});
    const TensorId squares = emit(tflite::Mul{}, {difference, difference}, whole, Range{0, 81});
    const TensorId variance = emit(tflite::Mean{{true}}, {squares, axes}, line, Range{0, 81});
    const TensorId factor = emit(tflite::Rsqrt{}, {variance}, line, Range{0, 300});
    const TensorId scaled = emit(tflite::Mul{}, {difference, factor}, whole, Range{-2, 2});
    output = emit(tflite::Relu{}, {scaled}, whole, Range{0, 2});
  }
  /// Whether what the tensor comes out of computes in float, as the reason given says.
  bool is_in_stream(const Plan& plan, TensorId tensor) const {
    return std::ranges::any_of(plan.float_operators, [&](const FloatOperator& op) {
      return op.id == writer(tensor) && op.reason.find("small positions") != std::string::npos;
    });
  }
};

TEST(FloatJoins, ASmallTokenBesidePatchesIsNormalizedInFloat) {
  Tokens small(0.05f), alike(3);
  const Plan kept = small.plan({small.output}), integers = alike.plan({alike.output});
  EXPECT_TRUE(small.is_in_stream(kept, small.joined));
  EXPECT_TRUE(small.is_in_stream(kept, small.sum));
  EXPECT_FALSE(alike.is_in_stream(integers, alike.joined));
  EXPECT_FALSE(alike.is_in_stream(integers, alike.sum));
}

TEST(FloatJoins, SixteenBitsHoldASmallToken) {
  Tokens small(0.05f);
  const Plan plan = small.plan({small.output}, {.activations = DType::int16});
  EXPECT_FALSE(small.is_in_stream(plan, small.joined));
}

}  // namespace
}  // namespace calib8
