// Tensors of numbers that the program itself says, copies, and changes of type.

#include <algorithm>
#include <cmath>

#include "torch_program/operator_rows.h"
#include "torch_program/promotion.h"

namespace calib8 {
namespace {

constexpr std::int64_t most_elements = 1 << 24;

Shape size_of_output(const OperatorCall& call) {
  const Integers sizes = call.integers("size");
  for (const std::int64_t size : sizes) {
    if (size < 0) call.fail("makes a tensor of a negative size");
  }
  return {sizes.begin(), sizes.end()};
}

/// The number that each element has.
Scalar fill_value(const OperatorCall& call) {
  const auto value = call.scalar("fill_value");
  if (!value) call.fail("fills a tensor with what is no number");
  return *value;
}

template <int Value>
OnnxValueId filled(OperatorCall& call) {
  return call.filled(size_of_output(call), Scalar(std::int64_t{Value}), call.output_dtype());
}

template <int Value>
OnnxValueId filled_like(OperatorCall& call) {
  return call.filled(call.shape(call.tensor("self")), Scalar(std::int64_t{Value}), call.output_dtype());
}

OnnxValueId full(OperatorCall& call) {
  return call.filled(size_of_output(call), fill_value(call), call.output_dtype());
}

OnnxValueId full_like(OperatorCall& call) {
  return call.filled(call.shape(call.tensor("self")), fill_value(call), call.output_dtype());
}

/// fill_(): what the tensor holds afterwards.
OnnxValueId fill(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  return call.expand(operand(call, "value", call.dtype(x)), call.shape(x));
}

OnnxValueId zero(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  return call.filled(call.shape(x), Scalar(std::int64_t{0}), call.dtype(x));
}

OnnxValueId scalar_tensor(OperatorCall& call) {
  const auto value = call.scalar("s");
  if (!value) call.fail("makes a tensor of what is no number");
  return call.number_constant(*value, call.output_dtype());
}

/// `count` elements from `start` on, `step` apart.
OnnxValueId ramp(OperatorCall& call, double start, double step, std::int64_t count) {
  const DType dtype = call.output_dtype();
  if (dtype == DType::float32) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(start + static_cast<double>(i) * step);
    return call.constant(make_tensor<float>({count}, std::move(values)));
  }
  constexpr double exact = 9007199254740992.0;
  const double last = start + static_cast<double>(count) * step;
  if (!(std::abs(start) < exact && std::abs(last) < exact)) call.fail("counts further than calib8 does");
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<std::int64_t>(start + static_cast<double>(i) * step);
  return call.cast(call.constant(make_tensor<std::int64_t>({count}, std::move(values))), dtype);
}

OnnxValueId arange(OperatorCall& call) {
  const double start = call.number("start", 0), end = call.number("end"), step = call.number("step", 1);
  const double count = step == 0 ? -1 : std::ceil((end - start) / step);
  if (!(count >= 0 && count <= static_cast<double>(most_elements)))
    call.fail("counts from " + std::to_string(start) + " to " + std::to_string(end) + " by " +
              std::to_string(step) + ", which no network does");
  return ramp(call, start, step, static_cast<std::int64_t>(count));
}

OnnxValueId linspace(OperatorCall& call) {
  const std::int64_t steps = call.integer("steps");
  if (steps < 0 || steps > most_elements) call.fail("has more steps than any network");
  const double start = call.number("start"), end = call.number("end");
  return ramp(call, start, steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0, steps);
}

OnnxValueId eye(OperatorCall& call) {
  const std::int64_t rows = call.integer("n"), columns = call.integer("m", rows);
  if (rows < 0 || columns < 0 || rows > 1 << 12 || columns > 1 << 12)
    call.fail("is larger than any network's");
  std::vector<float> values(static_cast<std::size_t>(rows * columns), 0);
  for (std::int64_t i = 0; i < std::min(rows, columns); ++i)
    values[static_cast<std::size_t>(i * columns + i)] = 1;
  return call.cast(call.constant(make_tensor({rows, columns}, std::move(values))), call.output_dtype());
}

OnnxValueId itself(OperatorCall& call) {
  return call.tensor(call.has("self") ? "self" : "input");
}

/// Outside training dropout does nothing.
OnnxValueId dropout(OperatorCall& call) {
  if (call.flag("train", false)) call.fail("is in training mode: export the model after model.eval()");
  return call.tensor("input");
}

Values native_dropout(OperatorCall& call) {
  return {dropout(call), OnnxValueId{}};
}

/// The type that the file says; 16- and 64-bit real numbers are float32 here.
OnnxValueId convert(OperatorCall& call) {
  return call.cast(call.tensor("self"), call.output_dtype());
}

/// copy_(): another tensor's elements in this one's type and shape.
OnnxValueId copy(OperatorCall& call) {
  const OnnxValueId x = call.tensor("self");
  return call.expand(call.cast(call.tensor("src"), call.dtype(x)), call.shape(x));
}

constexpr OperatorRow rows[] = {
    {"aten.zeros", filled<0>},
    {"aten.ones", filled<1>},
    {"aten.empty", filled<0>},
    {"aten.new_zeros", filled<0>},
    {"aten.new_ones", filled<1>},
    {"aten.new_empty", filled<0>},
    {"aten.zeros_like", filled_like<0>},
    {"aten.ones_like", filled_like<1>},
    {"aten.empty_like", filled_like<0>},
    {"aten.full", full},
    {"aten.new_full", full},
    {"aten.full_like", full_like},
    {"aten.fill", fill},
    {"aten.zero", zero},
    {"aten.scalar_tensor", scalar_tensor},
    {"aten.arange", arange},
    {"aten.linspace", linspace},
    {"aten.eye", eye},
    {"aten.clone", itself},
    {"aten.lift_fresh_copy", itself},
    {"aten.alias", itself, Sharing::same},
    {"aten.detach", itself, Sharing::same},
    {"aten.lift_fresh", itself, Sharing::same},
    {"aten.dropout", dropout, Sharing::same},
    {"aten.feature_dropout", dropout, Sharing::same},
    {"aten.alpha_dropout", dropout, Sharing::same},
    {"aten.feature_alpha_dropout", dropout, Sharing::same},
    {"aten.native_dropout", native_dropout},
    {"aten.contiguous", itself, Sharing::unclear},
    {"aten.to", convert, Sharing::unclear},
    {"aten.type_as", convert, Sharing::unclear},
    {"aten._to_copy", convert},
    {"aten.copy", copy},
};

}  // namespace

std::span<const OperatorRow> creation_operators() {
  return rows;
}

}  // namespace calib8
