#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "onnx_graph/onnx_graph.h"
#include "pattern/pattern.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// A value of a graph, or what the operator that writes it has before its fused activation.
template <class ValueId>
struct Expression {
  ValueId value;
  bool before_activation = false;

  friend bool operator==(const Expression&, const Expression&) = default;
};

/// How a graph spells an expression: what is done to which others. A term of kind `hole` is nothing that a
/// pattern knows.
template <class ValueId>
struct Term {
  PatternKind kind = PatternKind::hole;
  std::vector<Expression<ValueId>> operands = {};
  bool divides = false;  ///< product: the second operand is a divisor.
  double lowest = -std::numeric_limits<double>::infinity(), highest = std::numeric_limits<double>::infinity();
};

Term<OnnxValueId> term_of(const OnnxGraph& graph, Expression<OnnxValueId> expression);
Term<TensorId> term_of(const TfliteGraph& graph, Expression<TensorId> expression);

/// The one number that all elements of a constant of real numbers are; nothing otherwise.
std::optional<double> number_of(const OnnxGraph& graph, OnnxValueId value);
std::optional<double> number_of(const TfliteGraph& graph, TensorId value);

}  // namespace calib8
