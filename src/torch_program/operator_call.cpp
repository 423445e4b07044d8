#include "torch_program/operator_call.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "calib8/error.h"
#include "onnx_graph/data_type.h"
#include "ops/infer_node.h"

namespace calib8 {
namespace {

// Larger ones overflow when sizes are computed with them, and are no network's.
constexpr std::int64_t largest_step = 1 << 20;

template <class T>
Tensor scalar_tensor(const Scalar& value) {
  return make_tensor<T>({}, {std::visit([](auto number) { return static_cast<T>(number); }, value)});
}

}  // namespace

double as_number(const Scalar& scalar) {
  return std::visit([](auto number) { return static_cast<double>(number); }, scalar);
}

bool is_float(const Scalar& scalar) {
  return std::holds_alternative<double>(scalar);
}

// --- Arguments ---

const ProgramArgument* OperatorCall::find(std::string_view name) const {
  for (const auto& [key, argument] : node_.inputs) {
    if (key == name) return argument.is_none() ? nullptr : &argument;
  }
  return nullptr;
}

const ProgramArgument& OperatorCall::require(std::string_view name) const {
  const ProgramArgument* argument = find(name);
  if (!argument) fail("has no '" + std::string(name) + "': the file is damaged, get it anew");
  return *argument;
}

bool OperatorCall::has(std::string_view name) const {
  return find(name) != nullptr;
}

bool OperatorCall::is_tensor(std::string_view name) const {
  const ProgramArgument* argument = find(name);
  return argument && argument->get_if<TensorNamed>();
}

OnnxValueId OperatorCall::tensor(std::string_view name) {
  const auto* tensor = require(name).get_if<TensorNamed>();
  if (!tensor) fail("has a '" + std::string(name) + "' that is no tensor");
  return build_.read(tensor->name);
}

OnnxValueId OperatorCall::tensor_or_none(std::string_view name) {
  return has(name) ? tensor(name) : OnnxValueId{};
}

Values OperatorCall::tensors(std::string_view name) {
  const auto* several = require(name).get_if<ProgramArguments>();
  if (!several) fail("has a '" + std::string(name) + "' that is no list of tensors");
  Values values;
  for (const ProgramArgument& item : *several) {
    const auto* tensor = item.get_if<TensorNamed>();
    if (!tensor && !item.is_none()) fail("has a '" + std::string(name) + "' that is no list of tensors");
    values.push_back(tensor ? build_.read(tensor->name) : OnnxValueId{});
  }
  return values;
}

std::optional<Scalar> OperatorCall::scalar_in(const ProgramArgument& argument) const {
  if (const auto* symbol = argument.get_if<SymbolNamed>()) return build_.symbol(symbol->name);
  if (const auto* integer = argument.get_if<std::int64_t>()) return *integer;
  if (const auto* number = argument.get_if<double>()) return *number;
  if (const auto* flag = argument.get_if<bool>()) return *flag;
  return std::nullopt;
}

std::optional<Scalar> OperatorCall::scalar(std::string_view name) const {
  const ProgramArgument* argument = find(name);
  return argument ? scalar_in(*argument) : std::nullopt;
}

std::int64_t OperatorCall::integer(std::string_view name) const {
  const auto value = scalar_in(require(name));
  const auto* integer = value ? std::get_if<std::int64_t>(&*value) : nullptr;
  if (!integer) fail("has a '" + std::string(name) + "' that is no whole number");
  return *integer;
}

std::int64_t OperatorCall::integer(std::string_view name, std::int64_t fallback) const {
  return has(name) ? integer(name) : fallback;
}

double OperatorCall::number(std::string_view name) const {
  const auto value = scalar_in(require(name));
  if (!value) fail("has a '" + std::string(name) + "' that is no number");
  return as_number(*value);
}

double OperatorCall::number(std::string_view name, double fallback) const {
  return has(name) ? number(name) : fallback;
}

bool OperatorCall::flag(std::string_view name, bool fallback) const {
  if (!has(name)) return fallback;
  const auto value = scalar(name);
  if (!value || is_float(*value)) fail("has a '" + std::string(name) + "' that isn't true or false");
  return as_number(*value) != 0;
}

std::string OperatorCall::text(std::string_view name, std::string_view fallback) const {
  const ProgramArgument* argument = find(name);
  if (!argument) return std::string(fallback);
  const auto* text = argument->get_if<std::string>();
  if (!text) fail("has a '" + std::string(name) + "' that is no text");
  return *text;
}

bool OperatorCall::is_text(std::string_view name) const {
  const ProgramArgument* argument = find(name);
  return argument && argument->get_if<std::string>();
}

Integers OperatorCall::integers(std::string_view name) const {
  const ProgramArgument* argument = find(name);
  if (!argument) return {};
  const auto* several = argument->get_if<ProgramArguments>();
  if (!several) return {integer(name)};
  Integers values;
  for (const ProgramArgument& item : *several) {
    const auto value = scalar_in(item);
    const auto* integer = value ? std::get_if<std::int64_t>(&*value) : nullptr;
    if (!integer) fail("has a '" + std::string(name) + "' that is no list of whole numbers");
    values.push_back(*integer);
  }
  return values;
}

std::vector<double> OperatorCall::numbers(std::string_view name) const {
  const ProgramArgument* argument = find(name);
  if (!argument) return {};
  const auto* several = argument->get_if<ProgramArguments>();
  if (!several) return {number(name)};
  std::vector<double> values;
  for (const ProgramArgument& item : *several) {
    const auto value = scalar_in(item);
    if (!value) fail("has a '" + std::string(name) + "' that is no list of numbers");
    values.push_back(as_number(*value));
  }
  return values;
}

Integers OperatorCall::window(std::string_view name, std::size_t count, std::int64_t fallback,
                              std::int64_t smallest) const {
  Integers values = integers(name);
  if (values.empty()) values.assign(count, fallback);
  if (values.size() == 1) values.assign(count, values[0]);
  if (values.size() != count ||
      std::ranges::any_of(values, [&](std::int64_t v) { return v < smallest || v > largest_step; }))
    fail("has a '" + std::string(name) + "' that no window has");
  return values;
}

const ProgramType* OperatorCall::declared(std::string_view name) const {
  const ProgramArgument* argument = find(name);
  const auto* tensor = argument ? argument->get_if<TensorNamed>() : nullptr;
  return tensor ? build_.type_of(tensor->name) : nullptr;
}

std::size_t OperatorCall::output_count() const {
  std::size_t count = 0;
  for (const ProgramArgument& output : node_.outputs) {
    const auto* several = output.get_if<ProgramArguments>();
    count += several ? several->size() : 1;
  }
  return count;
}

DType OperatorCall::output_dtype(std::size_t output) const {
  const auto* tensor = output < node_.outputs.size() ? node_.outputs[output].get_if<TensorNamed>() : nullptr;
  const ProgramType* type = tensor ? build_.type_of(tensor->name) : nullptr;
  if (!type) fail("gives a tensor that the file doesn't describe: it is damaged, get it anew");
  if (!type->dtype)
    fail("gives " + program_type_name(type->dtype_number) + ", which calib8 doesn't compute with");
  return is_floating(*type->dtype) ? DType::float32 : *type->dtype;
}

// --- Values ---

Shape OperatorCall::shape(OnnxValueId value) const {
  const auto& type = build_.emitter().graph()[value].type;
  if (!type || !type->is_static()) fail("works on a value whose size depends on the data");
  return type->static_shape();
}

DType OperatorCall::dtype(OnnxValueId value) const {
  const auto& type = build_.emitter().graph()[value].type;
  if (!type) fail("works on a value of unknown type");
  return type->dtype;
}

std::size_t OperatorCall::axis(std::int64_t dimension, std::size_t rank) const {
  const auto count = static_cast<std::int64_t>(std::max<std::size_t>(rank, 1));
  if (dimension < -count || dimension >= count)
    fail("has no dimension " + std::to_string(dimension) + " in " + std::to_string(rank));
  return static_cast<std::size_t>(dimension < 0 ? dimension + count : dimension);
}

std::size_t OperatorCall::axis_of(std::string_view name, OnnxValueId x, std::int64_t fallback) const {
  return axis(integer(name, fallback), rank(x));
}

const Tensor* OperatorCall::constant_of(OnnxValueId value) const {
  const auto& constant = build_.emitter().graph()[value].constant;
  return constant ? &*constant : nullptr;
}

// --- What is written ---

std::string OperatorCall::name() const {
  return valid_utf8(node_.module.empty() ? node_.name : node_.module + "." + node_.name);
}

OnnxValueId OperatorCall::typed(OnnxValueId value) {
  OnnxGraph& graph = build_.emitter().graph();
  infer_types(graph, graph.producer(value));
  return value;
}

OnnxValueId OperatorCall::emit(std::string op_type, Values inputs, Attributes attributes) {
  build_.count_node(node_);
  return typed(build_.emitter().emit(std::move(op_type), name(), std::move(inputs), std::move(attributes)));
}

Values OperatorCall::emit_several(std::string op_type, Values inputs, Attributes attributes,
                                  std::size_t outputs) {
  build_.count_node(node_);
  OnnxNode node{std::move(op_type), name(), std::move(inputs), {}, std::move(attributes)};
  for (std::size_t i = 0; i < outputs; ++i) node.outputs.push_back(build_.emitter().value(name()));
  Values values = node.outputs;
  OnnxGraph& graph = build_.emitter().graph();
  infer_types(graph, graph.append(std::move(node)));
  return values;
}

OnnxValueId OperatorCall::constant(Tensor tensor) {
  build_.count_node(node_);
  const OnnxType type = static_type(tensor.dtype, tensor.shape);
  const OnnxValueId value = build_.emitter().constant(name() + ".constant", std::move(tensor));
  build_.emitter().graph()[value].type = type;
  return value;
}

OnnxValueId OperatorCall::integers_constant(Integers values) {
  const Shape sizes{static_cast<std::int64_t>(values.size())};
  return constant(make_tensor(sizes, std::move(values)));
}

OnnxValueId OperatorCall::number_constant(const Scalar& value, DType dtype) {
  const double number = as_number(value);
  if (!is_floating(dtype) && is_float(value) && !(std::abs(number) < 9.0e18))
    fail("makes a whole number of " + std::to_string(number));
  switch (dtype) {
    case DType::float32:
      return constant(scalar_tensor<float>(value));
    case DType::int64:
      return constant(scalar_tensor<std::int64_t>(value));
    case DType::boolean:
      return constant({DType::boolean, {}, Data::from_vector(std::vector<std::uint8_t>{number != 0})});
    default:
      // The cast is folded; of numbers that don't fit it says so.
      return cast(constant(scalar_tensor<std::int64_t>(value)), dtype);
  }
}

OnnxValueId OperatorCall::cast(OnnxValueId x, DType to) {
  if (dtype(x) == to) return x;
  return emit("Cast", {x}, {{"to", std::int64_t{onnx_data_type(to)}}});
}

OnnxValueId OperatorCall::reshape(OnnxValueId x, const Shape& to) {
  const Shape from = shape(x);
  if (from == to) return x;
  if (element_count(from) != element_count(to))
    fail("can't give " + to_string(from) + " the shape " + to_string(to));
  Integers sizes = to;
  // The batch may be left open later: where it stays in its place, it has no size here.
  if (!from.empty() && !to.empty() && from[0] == to[0] && to[0] != 0) sizes[0] = 0;
  return emit("Reshape", {x, integers_constant(sizes)});
}

OnnxValueId OperatorCall::transpose(OnnxValueId x, Integers order) {
  Integers same(order.size());
  std::iota(same.begin(), same.end(), std::int64_t{0});
  if (order == same) return x;
  return emit("Transpose", {x}, {{"perm", std::move(order)}});
}

OnnxValueId OperatorCall::unsqueeze(OnnxValueId x, std::size_t axis) {
  Shape to = shape(x);
  to.insert(to.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  return reshape(x, to);
}

OnnxValueId OperatorCall::expand(OnnxValueId x, const Shape& to) {
  if (shape(x) == to) return x;
  const OnnxValueId expanded = emit("Expand", {x, integers_constant(to)});
  if (shape(expanded) != to) fail("can't expand " + to_string(shape(x)) + " to " + to_string(to));
  return expanded;
}

OnnxValueId OperatorCall::slice(OnnxValueId x, std::size_t axis, std::int64_t begin, std::int64_t end,
                                std::int64_t step) {
  if (begin == 0 && end == shape(x).at(axis) && step == 1) return x;
  return emit("Slice", {x, integers_constant({begin}), integers_constant({end}),
                        integers_constant({static_cast<std::int64_t>(axis)}), integers_constant({step})});
}

OnnxValueId OperatorCall::concat(Values values, std::size_t axis) {
  if (values.size() == 1) return values[0];
  return emit("Concat", std::move(values), {{"axis", static_cast<std::int64_t>(axis)}});
}

OnnxValueId OperatorCall::filled(const Shape& to, const Scalar& value, DType dtype) {
  if (!element_count(to)) fail("makes a tensor of impossible size " + to_string(to));
  return expand(number_constant(value, dtype), to);
}

OnnxValueId OperatorCall::reduce(std::string op_type, OnnxValueId x, const Integers& axes, bool keep) {
  Values inputs{x};
  if (!axes.empty()) inputs.push_back(integers_constant(axes));
  return emit(std::move(op_type), std::move(inputs), {{"keepdims", std::int64_t{keep}}});
}

}  // namespace calib8
