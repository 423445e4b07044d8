#include "quantize/round_constants.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "calib8/error.h"
#include "quantize/scale.h"

namespace calib8 {
namespace {

/// Bias levels are kept this far from overflow: WeightScales has left more room still.
template <class T>
Data bias_levels(std::span<const float> values, const Quantization& quantization, double limit) {
  std::vector<T> levels(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double scale = quantization.scales[quantization.scales.size() == 1 ? 0 : i];
    const double level = std::nearbyint(static_cast<double>(values[i]) / scale);
    levels[i] = static_cast<T>(std::clamp(level, -limit, limit));
  }
  return Data::from_vector(std::move(levels));
}

Data rounded(const TfliteTensor& tensor, const TensorPlan& plan, const RoundingMethod& rounding) {
  const Tensor constant = tensor.as_tensor();
  switch (plan.role) {
    case TensorRole::weights:
      return Data::from_vector(rounding.round({constant, plan.quantization, plan.correlation}));
    case TensorRole::bias:
      return plan.dtype == DType::int64
                 ? bias_levels<std::int64_t>(constant.as<float>(), plan.quantization, 0x1p47)
                 : bias_levels<std::int32_t>(constant.as<float>(), plan.quantization, 0x1p30);
    case TensorRole::activation:
      return quantize_values(constant.as<float>(), plan.quantization, plan.dtype);
  }
  throw Error(ErrorCode::internal, "not a TensorRole", tensor.name);
}

}  // namespace

std::vector<RoundedConstant> round_constants(const TfliteGraph& graph, const Plan& plan,
                                             const RoundingMethod& rounding, int threads) {
  std::vector<RoundedConstant> result;
  std::map<TensorId, std::vector<std::size_t>> forms;  // Positions in `result`.
  for (const OperatorId id : graph.nodes()) {
    for (auto entry = plan.operands.lower_bound({id, 0});
         entry != plan.operands.end() && entry->first.reader == id; ++entry) {
      const TensorId source = graph[id].inputs[entry->first.position];
      if (!graph.is_constant(source)) continue;
      std::vector<std::size_t>& known = forms[source];
      const auto form =
          std::ranges::find_if(known, [&](std::size_t i) { return result[i].plan == entry->second; });
      if (form != known.end()) {
        result[*form].operands.push_back(entry->first);
        continue;
      }
      known.push_back(result.size());
      result.push_back({source, entry->second, {entry->first}, {}});
    }
  }
  parallel_for(result.size(), threads, [&](int, std::size_t i) {
    result[i].elements = rounded(graph[result[i].source], result[i].plan, rounding);
  });
  return result;
}

}  // namespace calib8
