#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dataflow.h"
#include "base/tensor.h"
#include "tflite_graph/options.h"

namespace calib8 {

/// real = scale * (q - zero_point). One scale and zero point for the whole tensor, or one pair per index of
/// `axis`.
struct Quantization {
  std::vector<float> scales;
  std::vector<std::int64_t> zero_points;  ///< As many as scales.
  std::int32_t axis = 0;                  ///< 0 where there is one scale.

  friend bool operator==(const Quantization&, const Quantization&) = default;
};

Quantization per_tensor(float scale, std::int64_t zero_point);

/// A tensor of a TfliteGraph: every size known, at most 2^31 - 1. Constants carry their elements.
struct TfliteTensor {
  std::string name;
  DType dtype = DType::float32;
  Shape shape;
  std::optional<Quantization> quantization;
  std::optional<Data> constant;  ///< element_count(shape) elements of dtype, row-major.

  bool is_constant() const { return constant.has_value(); }
  /// A constant's elements as a Tensor that shares them.
  Tensor as_tensor() const { return {dtype, shape, constant.value()}; }
};

struct TfliteOperator {
  tflite::Options options;
  std::vector<Id<TfliteTensor>> inputs;
  std::vector<Id<TfliteTensor>> outputs;

  template <class Op>
  const Op* get_if() const {
    return std::get_if<Op>(&options);
  }
  template <class Op>
  Op* get_if() {
    return std::get_if<Op>(&options);
  }
  template <class Op>
  bool is() const {
    return std::holds_alternative<Op>(options);
  }
};

/// The activation that CONV_2D, ADD and their like have fused; null for operators that can fuse none.
tflite::Activation* fused_activation(TfliteOperator& op);
const tflite::Activation* fused_activation(const TfliteOperator& op);

using TensorId = Id<TfliteTensor>;
using OperatorId = Id<TfliteOperator>;

/// How a picture's pixels stand for what a float model takes: scale[c] * pixel + offset[c], with c the
/// channel (the last axis) and pixels whole numbers from 0 to 255. Scales aren't 0.
struct PixelScaling {
  std::vector<double> scale, offset;

  friend bool operator==(const PixelScaling&, const PixelScaling&) = default;
};

/// A model with exactly TFLite's meaning: channels last, fused activations, quantization per tensor.
/// inputs() and outputs() are the signature "serving_default"; its names stand beside them.
class TfliteGraph : public Dataflow<TfliteTensor, TfliteOperator> {
 public:
  std::vector<std::string> input_names,
      output_names;  ///< The signature's names, in the order of inputs(), outputs().
  /// Of inputs that take pixels in place of what the float model takes: what these stand for, by their place
  /// in inputs().
  std::map<std::size_t, PixelScaling> pixel_inputs;

  TensorId add_constant(std::string name, Tensor tensor);
  TensorId add_constant(std::string name, const std::vector<std::int32_t>& values);  ///< Rank 1.

  /// Appends an operator with one new float32 output (or of `dtype`) and returns that output.
  TensorId emit(tflite::Options options, std::vector<TensorId> operator_inputs, std::string output_name,
                Shape shape, DType dtype = DType::float32);

  bool is_constant(TensorId id) const { return (*this)[id].is_constant(); }
  /// A constant int32 or int64 tensor's elements.
  std::vector<std::int64_t> constant_integers(TensorId id) const;
};

/// The operator's name in TFLite's schema, e.g. "CONV_2D".
std::string_view name_of(const tflite::Options& options);

/// One line per operator, constants as shape and hash: for --dump, golden tests and bug reports.
std::string to_text(const TfliteGraph& graph);

}  // namespace calib8
