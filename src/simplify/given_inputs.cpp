#include "simplify/given_inputs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr const char* shape_flag = "--input-shape";
constexpr const char* value_flag = "--input";
/// Constants of more elements aren't typed, and a small command must not ask for much memory.
constexpr std::int64_t most_elements = std::int64_t{1} << 20;

[[noreturn]] void refuse(const char* flag, const std::string& name, const std::string& message) {
  throw Error(ErrorCode::usage, "'" + name + "': " + message, flag);
}

std::string list(const std::vector<std::int64_t>& sizes) {
  std::string text;
  for (const std::int64_t size : sizes) text += (text.empty() ? "" : ",") + std::to_string(size);
  return text;
}

std::string list(const std::vector<Dimension>& shape) {
  std::string text;
  for (const Dimension& dimension : shape) {
    text += text.empty() ? "" : ", ";
    text += dimension.is_known()       ? std::to_string(dimension.size)
            : dimension.symbol.empty() ? "?"
                                       : dimension.symbol;
  }
  return "[" + text + "]";
}

OnnxValueId find_input(const OnnxGraph& graph, const char* flag, const std::string& name) {
  std::string names;
  for (const OnnxValueId id : graph.inputs()) {
    if (graph[id].name == name) return id;
    names += (names.empty() ? "'" : ", '") + graph[id].name + "'";
  }
  refuse(flag, name, "the model has no such input; it has " + names);
}

template <class T>
Tensor convert(const std::string& name, const Shape& shape, const std::vector<double>& values) {
  std::vector<T> converted;
  for (const double value : values) {
    // Whole numbers up to 2^53 are exact in a double.
    if constexpr (std::is_integral_v<T>) {
      constexpr double exact = 9007199254740992.0;
      const double lowest = std::max(-exact, static_cast<double>(std::numeric_limits<T>::lowest()));
      const double largest = std::min(exact, static_cast<double>(std::numeric_limits<T>::max()));
      if (value != std::floor(value) || value < lowest || value > largest) {
        refuse(value_flag, name,
               "the input is " + std::string(name_of(DTypeOf<T>::value)) + ", and one of the numbers isn't");
      }
    }
    converted.push_back(static_cast<T>(value));
  }
  return make_tensor<T>(shape, std::move(converted));
}

Tensor convert(DType dtype, const std::string& name, const Shape& shape, const std::vector<double>& values) {
  switch (dtype) {
    case DType::float32:
      return convert<float>(name, shape, values);
    case DType::float64:
      return convert<double>(name, shape, values);
    case DType::int8:
      return convert<std::int8_t>(name, shape, values);
    case DType::uint8:
      return convert<std::uint8_t>(name, shape, values);
    case DType::int16:
      return convert<std::int16_t>(name, shape, values);
    case DType::uint16:
      return convert<std::uint16_t>(name, shape, values);
    case DType::int32:
      return convert<std::int32_t>(name, shape, values);
    case DType::uint32:
      return convert<std::uint32_t>(name, shape, values);
    case DType::int64:
      return convert<std::int64_t>(name, shape, values);
    case DType::uint64:
      return convert<std::uint64_t>(name, shape, values);
    case DType::float16: {
      std::vector<std::uint16_t> bits;
      for (const double value : values) bits.push_back(float_to_half(static_cast<float>(value)));
      return {dtype, shape, Data::from_vector(std::move(bits))};
    }
    case DType::boolean: {
      std::vector<std::uint8_t> bytes;
      for (const double value : values) {
        if (value != 0 && value != 1)
          refuse(value_flag, name, "the input is bool, and one of the numbers is neither 0 nor 1");
        bytes.push_back(value != 0 ? 1 : 0);
      }
      return {dtype, shape, Data::from_vector(std::move(bytes))};
    }
    case DType::bfloat16:
      break;
  }
  refuse(value_flag, name, "the input is " + std::string(name_of(dtype)) + ", which can't be given");
}

/// The shape of a constant of so many numbers in the input's place.
Shape shape_for(const std::string& name, std::vector<Dimension> shape, std::int64_t count) {
  std::int64_t known = 1;
  for (const Dimension& dimension : shape) {
    if (dimension.is_known()) known *= std::clamp(dimension.size, std::int64_t{0}, most_elements);
    if (known > most_elements) refuse(value_flag, name, "the input has too many elements to be given");
  }
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!shape[i].is_known()) open.push_back(i);
  }
  if (open.size() > 1 && open[0] == 0) {  // the batch
    shape[0].size = 1;
    open.erase(open.begin());
  }
  if (open.size() > 1 || (open.size() == 1 && open[0] != 0 && count == 1)) {
    refuse(value_flag, name,
           "the file leaves its shape open, " + list(shape) + ": give it with --input-shape as well");
  }
  for (const std::size_t axis : open)
    shape[axis].size = count > 1 && known > 0 && count % known == 0 ? count / known : 1;
  return OnnxType{DType::float32, std::move(shape)}.static_shape();
}

}  // namespace

void set_input_shape(OnnxGraph& graph, const std::string& name, const std::vector<std::int64_t>& sizes) {
  std::optional<OnnxType>& type = graph[find_input(graph, shape_flag, name)].type;
  if (!type) refuse(shape_flag, name, "the file doesn't say the type of this input");
  if (std::any_of(sizes.begin(), sizes.end(), [](std::int64_t size) { return size < 1; }))
    refuse(shape_flag, name, list(sizes) + " has a size that is less than 1");
  if (type->shape) {
    const std::vector<Dimension>& shape = *type->shape;
    bool fits = shape.size() == sizes.size();
    for (std::size_t i = 0; fits && i < sizes.size(); ++i)
      fits = !shape[i].is_known() || shape[i].size == sizes[i];
    if (!fits) refuse(shape_flag, name, list(sizes) + " doesn't fit the input's shape, " + list(shape));
  }
  type->shape.emplace();
  for (const std::int64_t size : sizes) type->shape->push_back({size, {}});
}

void fix_input(OnnxGraph& graph, const std::string& name, const std::vector<double>& values) {
  const OnnxValueId id = find_input(graph, value_flag, name);
  if (graph.inputs().size() == 1)
    refuse(value_flag, name, "it is the only input: a model without inputs is no model");
  if (values.empty()) refuse(value_flag, name, "no number is given");
  if (!std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); }))
    refuse(value_flag, name, "one of the numbers isn't finite");
  OnnxValue& input = graph[id];
  if (!input.type) refuse(value_flag, name, "the file doesn't say the type of this input");
  const auto given = static_cast<std::int64_t>(values.size());
  const Shape shape = input.type->shape ? shape_for(name, *input.type->shape, given)
                      : given == 1      ? Shape{}
                                        : Shape{given};
  const std::int64_t count = element_count(shape).value_or(most_elements + 1);
  if (count > most_elements) refuse(value_flag, name, "the input has too many elements to be given");
  if (given != 1 && given != count) {
    refuse(value_flag, name,
           std::to_string(given) + " numbers are given for an input of " + std::to_string(count) + ", " +
               to_string(shape));
  }
  std::vector<double> all = values;
  all.resize(static_cast<std::size_t>(count), values[0]);
  input.constant = convert(input.type->dtype, name, shape, all);
  input.type = static_type(input.type->dtype, shape);
  std::vector<OnnxValueId> left = graph.inputs();
  std::erase(left, id);
  graph.set_inputs(std::move(left));
}

}  // namespace calib8
