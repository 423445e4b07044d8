#include "pipeline/finite_weights.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

#include "base/interrupt.h"
#include "base/text.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr std::array<std::string_view, 7> kWeighted = {
    "Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization", "LSTM", "GRU"};

void check(const Tensor& tensor, const std::string& name, bool is_weight, const std::string& where) {
  if (!is_floating(tensor.dtype)) return;
  throw_if_interrupted();
  const auto refuse = [&](const char* what) {
    throw Error(ErrorCode::model,
                printable(name) + " holds " + what + ": training diverged, or the file is damaged", where);
  };
  const auto check_all = [&](auto values) {
    for (const float value : values) {
      if (std::isfinite(value)) continue;
      if (std::isnan(value)) refuse("NaN");
      if (is_weight) refuse("infinity");
    }
  };
  if (tensor.dtype == DType::float32)
    check_all(tensor.as<float>());
  else
    check_all(to_float(tensor));
}

}  // namespace

void require_finite_weights(const OnnxGraph& graph, const std::string& where) {
  std::set<OnnxValueId> weights;
  for (const auto node : graph.nodes()) {
    if (std::ranges::find(kWeighted, graph[node].op_type) == kWeighted.end()) continue;
    for (const OnnxValueId input : graph[node].inputs) weights.insert(input);
  }
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const OnnxValueId id = graph.value_at(i);
    const OnnxValue& value = graph[id];
    if (value.constant && !graph.users(id).empty())
      check(*value.constant, value.name, weights.contains(id), where);
  }
}

}  // namespace calib8
