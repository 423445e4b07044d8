#include "verify/real_values.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/round.h"
#include "calib8/error.h"
#include "runtime/feed.h"

namespace calib8 {
namespace {

template <class T>
std::vector<T> round_to_levels(std::span<const float> values, const Quantization& quantization) {
  const float scale = quantization.scales.front();
  const double zero_point = static_cast<double>(quantization.zero_points.front());
  std::vector<T> levels(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double level = round_to_even(static_cast<double>(values[i]) / scale) + zero_point;
    levels[i] = static_cast<T>(
        std::clamp<double>(level, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  }
  return levels;
}

template <class T>
std::vector<float> from_levels(ByteView elements, std::size_t stride, float scale, std::int64_t zero_point) {
  const std::span<const T> levels(reinterpret_cast<const T*>(elements.data()), elements.size() / sizeof(T));
  std::vector<float> values;
  values.reserve(levels.size() / stride + 1);
  for (std::size_t i = 0; i < levels.size(); i += stride) {
    values.push_back(scale *
                     static_cast<float>(static_cast<double>(levels[i]) - static_cast<double>(zero_point)));
  }
  return values;
}

EdgeType type_of(const TfliteTensor& tensor) {
  return {tensor.dtype, tensor.quantization};
}

}  // namespace

Tensor from_real(const Tensor& values, const EdgeType& type) {
  if (type.dtype == values.dtype && !type.quantization) return values;
  if (!type.quantization) throw Error(ErrorCode::internal, "an integer input without a scale");
  if (type.dtype == DType::uint8)
    return make_tensor(values.shape, round_to_levels<std::uint8_t>(values.as<float>(), *type.quantization));
  return make_tensor(values.shape, round_to_levels<std::int8_t>(values.as<float>(), *type.quantization));
}

std::vector<float> to_real(ByteView elements, const EdgeType& type, std::size_t stride) {
  if (type.dtype == DType::float32) return from_levels<float>(elements, stride, 1, 0);
  if (!type.quantization) throw Error(ErrorCode::internal, "an integer output without a scale");
  const float scale = type.quantization->scales.front();
  const std::int64_t zero_point = type.quantization->zero_points.front();
  return type.dtype == DType::uint8 ? from_levels<std::uint8_t>(elements, stride, scale, zero_point)
                                    : from_levels<std::int8_t>(elements, stride, scale, zero_point);
}

RealModel::RealModel(std::shared_ptr<const LiteRt> litert, const SharedFile& file, const TfliteGraph& graph,
                     const std::vector<TensorId>& outputs, InterpreterOptions options)
    : interpreter_(std::move(litert), file, std::move(options)) {
  for (const TensorId input : graph.inputs()) input_types_.push_back(type_of(graph[input]));
  for (const TensorId output : outputs) output_types_.push_back(type_of(graph[output]));
}

void RealModel::load(const Sample& sample) {
  std::map<std::string, Tensor> arrays;
  for (std::size_t i = 0; i < input_types_.size(); ++i) {
    const std::string& name = interpreter_.inputs()[i].name;
    auto found = sample.inputs.find(name);
    if (found == sample.inputs.end()) found = sample.inputs.find("");
    if (found != sample.inputs.end()) arrays.emplace(name, from_real(found->second, input_types_[i]));
  }
  feed(interpreter_, arrays);
}

std::vector<float> RealModel::output(std::size_t index, std::size_t stride) const {
  return to_real(interpreter_.output(index), output_types_[index], stride);
}

}  // namespace calib8
