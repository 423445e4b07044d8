// LSTM, GRU and RNN, unrolled over time: what doesn't depend on the state is one product over all steps.

#include "ops/recurrent/recurrent.h"

#include <algorithm>

#include "ops/all_ops.h"
#include "ops/emit.h"

namespace calib8 {
namespace {

/// Graphs of more operators help nobody.
constexpr std::int64_t most_steps = 1024;

const Tensor* constant_of(const NodeView& view, std::size_t position) {
  return view.has_input(position) ? view.constant(position) : nullptr;
}

/// Names without alpha and beta mean ONNX's defaults.
GateFunction function_of(const std::string& name, const std::vector<float>& alphas,
                         const std::vector<float>& betas, std::size_t& next) {
  GateFunction function{name, 0, 0};
  if (name == "LeakyRelu") function.alpha = 0.01;
  if (name == "HardSigmoid") function.alpha = 0.2, function.beta = 0.5;
  if (name == "Elu" || name == "ThresholdedRelu" || name == "ScaledTanh" || name == "Affine")
    function.alpha = 1;
  if (name == "ScaledTanh") function.beta = 1;
  const bool takes = function.alpha != 0 || function.beta != 0;
  if (takes && next < alphas.size()) function.alpha = static_cast<double>(alphas[next]);
  if (takes && next < betas.size()) function.beta = static_cast<double>(betas[next]);
  if (takes) ++next;
  return function;
}

bool is_known(const GateFunction& function) {
  constexpr std::string_view names[] = {"Sigmoid",  "Tanh",       "Relu",   "LeakyRelu", "HardSigmoid",
                                        "Softsign", "ScaledTanh", "Affine", "Elu"};
  return std::find(std::begin(names), std::end(names), function.name) != std::end(names);
}

}  // namespace

Recurrence::Recurrence(Lowering& of, std::int64_t gates, std::vector<GateFunction> defaults)
    : lowering(of), f(of), gates_(gates) {
  const Shape x = of.input_shape(0), weights = of.input_shape(1), recurrent = of.input_shape(2);
  batch_first_ = of.node.get_int("layout", 0) != 0;
  if (x.size() != 3 || weights.size() != 3 || recurrent.size() != 3 || weights[1] % gates != 0 ||
      weights[2] != x[2] || recurrent[1] != weights[1] || recurrent[2] * gates != weights[1])
    of.fail("weights of shape " + to_string(weights) + " and " + to_string(recurrent) + " don't fit " +
            to_string(x));
  steps = x[batch_first_ ? 1 : 0];
  batch = x[batch_first_ ? 0 : 1];
  hidden = weights[1] / gates;
  const std::string which = of.node.get_string("direction", "forward");
  const auto count = static_cast<std::size_t>(which == "bidirectional" ? 2 : 1);
  if (weights[0] != static_cast<std::int64_t>(count) || recurrent[0] != weights[0])
    of.fail("direction " + which + " doesn't fit " + std::to_string(weights[0]) + " sets of weights");
  const auto given = of.node.attributes.find("activations");
  const auto* list =
      given == of.node.attributes.end() ? nullptr : std::get_if<std::vector<std::string>>(&given->second);
  const std::vector<std::string> names = list ? *list : std::vector<std::string>{};
  const auto alphas = of.node.get_floats("activation_alpha", {});
  const auto betas = of.node.get_floats("activation_beta", {});
  if (!names.empty() && names.size() != defaults.size() * count)
    of.fail("names " + std::to_string(names.size()) + " activations");
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Direction direction{i, which == "reverse" || i == 1, defaults};
    for (std::size_t k = 0; !names.empty() && k < defaults.size(); ++k)
      direction.functions[k] = function_of(names[i * defaults.size() + k], alphas, betas, next);
    directions.push_back(std::move(direction));
  }
}

Refusal Recurrence::refusal() const {
  if (!lowering.constant(1) || !lowering.constant(2)) return "weights that are not constant";
  if (lowering.has_input(3) && !lowering.constant(3)) return "a bias that is not constant";
  if (steps < 1 || steps > most_steps) return std::to_string(steps) + " steps";
  if (lowering.has_input(4)) {
    const Tensor* lengths = lowering.constant(4);
    if (!lengths) return "lengths of sequences that are not constant";
    for (const std::int64_t length : to_int64(*lengths))
      if (length != steps) return "sequences of different lengths";
  }
  for (const Direction& direction : directions) {
    for (const GateFunction& function : direction.functions)
      if (!is_known(function)) return "activation " + function.name;
  }
  return refuse_integers(lowering);
}

std::vector<float> Recurrence::bias_of(const Direction& direction, bool of_recurrence) const {
  const auto width = static_cast<std::size_t>(gates_ * hidden);
  const Tensor* bias = constant_of(lowering, 3);
  if (!bias) return std::vector<float>(width, 0.0f);
  if (bias->count() != static_cast<std::int64_t>(2 * width * directions.size()))
    lowering.fail("its bias doesn't fit its weights");
  const std::vector<float> all = to_float(*bias);
  const auto begin =
      all.begin() + static_cast<std::ptrdiff_t>((2 * direction.number + (of_recurrence ? 1 : 0)) * width);
  return {begin, begin + static_cast<std::ptrdiff_t>(width)};
}

TensorId Recurrence::matrix(const Direction& direction, std::size_t position) {
  const Tensor& all = *lowering.constant(position);
  const Shape shape{all.shape[1], all.shape[2]};
  const std::vector<float> values = to_float(all);
  const auto count = static_cast<std::ptrdiff_t>(shape[0] * shape[1]);
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(direction.number) * count;
  return f.constant(make_tensor(shape, std::vector<float>(begin, begin + count)));
}

TensorId Recurrence::inputs_of(const Direction& direction, bool with_recurrent_bias) {
  std::vector<float> bias = bias_of(direction, false);
  if (with_recurrent_bias) {
    const std::vector<float> more = bias_of(direction, true);
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] += more[i];
  }
  const auto width = static_cast<std::int64_t>(bias.size());
  TensorId x = f.input(0);
  if (batch_first_) x = f.transpose(x, {1, 0, 2});
  return f.linear(x, matrix(direction, 1), f.constant(make_tensor({width}, std::move(bias))));
}

TensorId Recurrence::step_of(TensorId inputs, std::int64_t step) {
  return f.reshape(f.slice(inputs, 0, step, 1), {batch, gates_ * hidden});
}

TensorId Recurrence::recurrent(const Direction& direction, TensorId state, bool with_bias) {
  // One constant for all steps.
  auto& [weights, bias] = recurrent_.at(direction.number);
  if (!weights.exists()) {
    weights = matrix(direction, 2);
    std::vector<float> values = with_bias
                                    ? bias_of(direction, true)
                                    : std::vector<float>(static_cast<std::size_t>(gates_ * hidden), 0.0f);
    bias = f.constant(make_tensor({gates_ * hidden}, std::move(values)));
  }
  return f.linear(state, weights, bias);
}

std::optional<TensorId> Recurrence::initial(const Direction& direction, std::size_t position) {
  if (!lowering.has_input(position)) return std::nullopt;
  if (const Tensor* constant = lowering.constant(position)) {
    const std::vector<float> values = to_float(*constant);
    if (std::all_of(values.begin(), values.end(), [](float value) { return value == 0; }))
      return std::nullopt;
  }
  const TensorId all = f.input(position);
  const std::size_t axis = batch_first_ ? 1 : 0;
  return f.reshape(f.slice(all, axis, static_cast<std::int64_t>(direction.number), 1), {batch, hidden});
}

TensorId Recurrence::recurrent_bias(const Direction& direction, std::int64_t number, std::int64_t count) {
  const std::vector<float> bias = bias_of(direction, true);
  const auto begin = bias.begin() + static_cast<std::ptrdiff_t>(number * hidden);
  return f.constant(make_tensor(
      {1, count * hidden}, std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(count * hidden))));
}

TensorId Recurrence::gate(TensorId gates, std::int64_t number, std::int64_t count) {
  return f.slice(gates, 1, number * hidden, count * hidden);
}

TensorId Recurrence::apply(const GateFunction& function, TensorId x) {
  if (function.name == "Sigmoid") return f.of<tflite::Logistic>(x);
  if (function.name == "Tanh") return f.of<tflite::Tanh>(x);
  if (function.name == "Relu") return f.of<tflite::Relu>(x);
  if (function.name == "Elu") return f.of<tflite::Elu>(x);
  if (function.name == "Softsign") return f.div(x, f.add(f.of<tflite::Abs>(x), 1.0));
  if (function.name == "Affine") return f.add(f.mul(x, function.alpha), function.beta);
  if (function.name == "ScaledTanh")
    return f.mul(f.of<tflite::Tanh>(f.mul(x, function.beta)), function.alpha);
  if (function.name == "LeakyRelu")
    return f.emit(tflite::LeakyRelu{static_cast<float>(function.alpha)}, {x}, f.shape(x));
  const TensorId line = f.add(f.mul(x, function.alpha), function.beta);  // HardSigmoid
  return f.of<tflite::Minimum>(f.of<tflite::Relu>(line), 1.0);
}

TensorId Recurrence::clipped(TensorId x) {
  const auto bound = static_cast<double>(lowering.node.get_float("clip", 0));
  if (bound <= 0) return x;
  return f.of<tflite::Minimum>(f.of<tflite::Maximum>(x, -bound), bound);
}

bool Recurrence::is_used(std::size_t output) const {
  return output < lowering.node.outputs.size() && lowering.node.outputs[output].exists();
}

void Recurrence::give(const std::vector<std::vector<TensorId>>& of_steps, const std::vector<TensorId>& last,
                      const std::vector<TensorId>& last_cells) {
  const auto count = static_cast<std::int64_t>(directions.size());
  if (is_used(0)) {
    // [N, H] of each step and direction  ->  [T, D, N, H], or [N, T, D, H]
    std::vector<TensorId> of_directions;
    for (const auto& states : of_steps) {
      std::vector<TensorId> rows;
      const Shape row = batch_first_ ? Shape{batch, 1, 1, hidden} : Shape{1, 1, batch, hidden};
      for (const TensorId state : states) rows.push_back(f.reshape(state, row));
      of_directions.push_back(f.concatenate(rows, batch_first_ ? 1 : 0));
    }
    f.result(f.concatenate(of_directions, batch_first_ ? 2 : 1));
  }
  const auto give_last = [&](std::size_t output, const std::vector<TensorId>& states) {
    if (!is_used(output)) return;
    std::vector<TensorId> rows;
    for (const TensorId state : states)
      rows.push_back(f.reshape(state, batch_first_ ? Shape{batch, 1, hidden} : Shape{1, batch, hidden}));
    f.result(f.reshape(f.concatenate(rows, batch_first_ ? 1 : 0),
                       batch_first_ ? Shape{batch, count, hidden} : Shape{count, batch, hidden}),
             output);
  };
  give_last(1, last);
  give_last(2, last_cells);
}

}  // namespace calib8
