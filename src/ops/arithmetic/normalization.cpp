// BatchNormalization. Most are folded into a convolution before lowering (simplify/); what is left becomes a
// factor and an offset per channel.

#include <cmath>

#include "ops/all_ops.h"
#include "ops/emit.h"
#include "ops/lowering.h"

namespace calib8 {
namespace {

std::vector<OnnxType> infer_batch_normalization(const NodeView& view) {
  const OnnxType& x = view.input_type(0);
  std::vector<OnnxType> types = {x};
  // In training mode: running mean and variance.
  for (std::size_t i = 1; i < view.node.outputs.size(); ++i) types.push_back(view.input_type(i + 2));
  return types;
}

//   BatchNormalization(x)   ->   MUL scale / sqrt(variance + epsilon), ADD bias - mean * factor;  both [1, C,
//   1, 1]
Refusal lower_batch_normalization(Lowering& lowering) {
  if (Refusal refusal = refuse_integers(lowering)) return refusal;
  if (lowering.node.get_int("training_mode", 0) != 0) return "training mode";
  const Shape x = lowering.input_shape(0);
  if (x.size() < 2) return "an input without channels";
  std::vector<std::vector<float>> parameters;  // scale, bias, mean, variance
  for (const std::size_t position : {1, 2, 3, 4}) {
    const Tensor* parameter = lowering.constant(position);
    if (!parameter) return "statistics that are not constant";
    if (parameter->count() != x[1]) {
      lowering.fail("input " + std::to_string(position) + " has not one value per channel of the " +
                    std::to_string(x[1]));
    }
    parameters.push_back(to_float(*parameter));
  }
  const double epsilon = static_cast<double>(lowering.node.get_float("epsilon", 1e-5f));
  std::vector<float> factors, offsets;
  for (std::size_t channel = 0; channel < parameters[0].size(); ++channel) {
    const auto value = [&](std::size_t parameter) {
      return static_cast<double>(parameters[parameter][channel]);
    };
    const double factor = value(0) / std::sqrt(value(3) + epsilon);
    factors.push_back(static_cast<float>(factor));
    offsets.push_back(static_cast<float>(value(1) - value(2) * factor));
  }
  Shape shape(x.size(), 1);
  shape[1] = x[1];
  const TensorId factor = lowering.constant("factor", make_tensor(shape, std::move(factors)));
  const TensorId offset = lowering.constant("offset", make_tensor(shape, std::move(offsets)));
  const TensorId scaled = lowering.emit(tflite::Mul{}, {lowering.input(0), factor}, x, "scaled");
  lowering.set_output(0, lowering.emit(tflite::Add{}, {scaled, offset}, x));
  return std::nullopt;
}

const OnnxOp onnx_rows[] = {
    {.type = "BatchNormalization",
     .inputs = {5, 5},
     .infer = infer_batch_normalization,
     .lower = lower_batch_normalization,
     .traits = {.has_optional_outputs = true}},
};

}  // namespace

const OpFamily& normalization_family() {
  static const OpFamily family{onnx_rows, {}};
  return family;
}

}  // namespace calib8
