#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "torch_program/program_builder.h"

namespace calib8 {

/// A call of an operator, as its row sees it: its arguments by the names that PyTorch's schema has, and what
/// to write for it. All functions fail with ErrorCode::model, naming the node.
///
/// Every value has its type as soon as it is made, with all sizes known. Arguments that equal their default
/// may be left out in a file, so each is asked for with it.
class OperatorCall {
 public:
  OperatorCall(ProgramBuilder& build, const ProgramNode& node) : build_(build), node_(node) {}

  const std::string& overload() const { return node_.overload; }
  [[noreturn]] void fail(const std::string& what) const { build_.fail(node_, what); }

  // --- Arguments ---
  bool has(std::string_view name) const;        ///< Given, and not None.
  bool is_tensor(std::string_view name) const;  ///< A tensor and no number.
  OnnxValueId tensor(std::string_view name);
  OnnxValueId tensor_or_none(std::string_view name);  ///< Absent where it is None or left out.
  /// A list of tensors; absent where one of them is None.
  Values tensors(std::string_view name);
  /// The same as integer(), number() and flag(), whichever it is.
  std::optional<Scalar> scalar(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t fallback) const;
  double number(std::string_view name, double fallback) const;
  double number(std::string_view name) const;
  bool flag(std::string_view name, bool fallback) const;
  std::string text(std::string_view name, std::string_view fallback) const;
  bool is_text(std::string_view name) const;
  /// A list of sizes; one number is a list of one. Empty where it is None or left out.
  Integers integers(std::string_view name) const;
  std::vector<double> numbers(std::string_view name) const;
  /// A list of `count` numbers from `smallest` to 2^20: as given, or one for all; `fallback` where left out.
  Integers window(std::string_view name, std::size_t count, std::int64_t fallback,
                  std::int64_t smallest) const;
  /// The type that the file gives an output.
  DType output_dtype(std::size_t output = 0) const;
  std::size_t output_count() const;
  /// What the file says of an argument that is a tensor; null where nothing.
  const ProgramType* declared(std::string_view name) const;

  // --- Values ---
  Shape shape(OnnxValueId value) const;
  std::size_t rank(OnnxValueId value) const { return shape(value).size(); }
  DType dtype(OnnxValueId value) const;
  /// A dimension that may count from the end, as one in [0, rank).
  std::size_t axis(std::int64_t dimension, std::size_t rank) const;
  std::size_t axis_of(std::string_view name, OnnxValueId x, std::int64_t fallback) const;
  /// The elements where the value is a constant of the file; null otherwise.
  const Tensor* constant_of(OnnxValueId value) const;

  // --- What is written ---
  using Attributes = std::map<std::string, OnnxAttribute>;
  OnnxValueId emit(std::string op_type, Values inputs, Attributes attributes = {});
  Values emit_several(std::string op_type, Values inputs, Attributes attributes, std::size_t outputs);
  OnnxValueId constant(Tensor tensor);
  OnnxValueId integers_constant(Integers values);
  /// A scalar of that type.
  OnnxValueId number_constant(const Scalar& value, DType dtype);
  OnnxValueId number_constant(double value) { return number_constant(Scalar(value), DType::float32); }

  OnnxValueId cast(OnnxValueId x, DType dtype);
  OnnxValueId reshape(OnnxValueId x, const Shape& shape);
  OnnxValueId transpose(OnnxValueId x, Integers order);
  OnnxValueId unsqueeze(OnnxValueId x, std::size_t axis);
  OnnxValueId expand(OnnxValueId x, const Shape& shape);
  /// Elements [begin, end) along one axis, `step` apart.
  OnnxValueId slice(OnnxValueId x, std::size_t axis, std::int64_t begin, std::int64_t end,
                    std::int64_t step = 1);
  OnnxValueId concat(Values values, std::size_t axis);
  /// A tensor of one number everywhere.
  OnnxValueId filled(const Shape& shape, const Scalar& value, DType dtype);
  /// Reduce... over these axes; over all where there are none.
  OnnxValueId reduce(std::string op_type, OnnxValueId x, const Integers& axes, bool keep);

 private:
  const ProgramArgument* find(std::string_view name) const;
  const ProgramArgument& require(std::string_view name) const;
  std::optional<Scalar> scalar_in(const ProgramArgument& argument) const;
  std::string name() const;
  OnnxValueId typed(OnnxValueId value);

  ProgramBuilder& build_;
  const ProgramNode& node_;
};

double as_number(const Scalar& scalar);
bool is_float(const Scalar& scalar);

}  // namespace calib8
