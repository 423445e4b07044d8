#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "quantize/plan.h"
#include "quantize/rounding/rounding.h"

namespace calib8 {

/// One quantized form of a constant: what the operands that want it read in its place.
struct RoundedConstant {
  TensorId source;
  TensorPlan plan;
  std::vector<Operand> operands;  ///< In execution order.
  Data elements;
};

/// Weights that one method has rounded, with the same inputs known, for several plans of one graph: scales of
/// weights seldom differ between plans. Filled by round_constants().
class RoundedWeights {
 public:
  /// Graphs that were made from the one given may be rounded too: what they have as new constants isn't kept.
  explicit RoundedWeights(const TfliteGraph& graph) : tensors_(graph.value_count()) {}

  std::optional<Data> find(TensorId source, const Quantization& quantization) const;
  void add(TensorId source, const Quantization& quantization, const Data& levels);

 private:
  std::size_t tensors_;
  mutable std::mutex mutex_;
  std::map<TensorId, std::vector<std::pair<Quantization, Data>>> levels_;
};

/// How constants are rounded.
struct Rounding {
  const RoundingMethod& method = default_rounding();
  /// What layers met, for methods that take account of it. Where a layer is known, its bias is given back
  /// what rounding took from the mean of its outputs, and is a constant of its own. Null: nothing is known.
  const InputsOfLayers* inputs = nullptr;
  RoundedWeights* known = nullptr;  ///< May be null.
};

/// Rounds the constants of a plan, each form once however many operands want it, on `threads` threads; in
/// execution order of their first readers.
std::vector<RoundedConstant> round_constants(const TfliteGraph& graph, const Plan& plan,
                                             const Rounding& rounding, int threads);

}  // namespace calib8
