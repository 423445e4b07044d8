// What an LSTM, a GRU and an RNN do in a step; their rows.

#include "ops/all_ops.h"
#include "ops/infer.h"
#include "ops/recurrent/recurrent.h"

namespace calib8 {
namespace {

/// One step: from its input's share of the gates and the states to the states behind it.
struct States {
  std::optional<TensorId> hidden, cell;
};
using Cell = States (*)(Recurrence&, const Direction&, TensorId inputs, const States&);

Refusal unroll(Recurrence& recurrence, bool sums_biases, bool has_cell, Cell cell) {
  if (Refusal refusal = recurrence.refusal()) return refusal;
  std::vector<std::vector<TensorId>> of_steps;
  std::vector<TensorId> last, last_cells;
  for (const Direction& direction : recurrence.directions) {
    const TensorId inputs = recurrence.inputs_of(direction, sums_biases);
    States states{recurrence.initial(direction, 5),
                  has_cell ? recurrence.initial(direction, 6) : std::nullopt};
    std::vector<TensorId> outputs(static_cast<std::size_t>(recurrence.steps));
    for (std::int64_t i = 0; i < recurrence.steps; ++i) {
      const std::int64_t step = direction.is_reverse ? recurrence.steps - 1 - i : i;
      states = cell(recurrence, direction, recurrence.step_of(inputs, step), states);
      outputs[static_cast<std::size_t>(step)] = *states.hidden;
    }
    of_steps.push_back(std::move(outputs));
    last.push_back(*states.hidden);
    if (has_cell) last_cells.push_back(*states.cell);
  }
  recurrence.give(of_steps, last, last_cells);
  return std::nullopt;
}

/// ONNX's gates stand as input, output, forget, cell.
//   i, o, f = F(x W + h R + P c);  c' = f c + i G(...);  h' = o H(c')
States lstm_step(Recurrence& r, const Direction& direction, TensorId inputs, const States& states) {
  Formula& f = r.f;
  TensorId gates = inputs;
  if (states.hidden) gates = f.add(gates, r.recurrent(direction, *states.hidden, false));
  gates = r.clipped(gates);
  const TensorId open = r.apply(direction.functions[0], r.gate(gates, 0, 3));
  const TensorId fresh = r.apply(direction.functions[1], r.gate(gates, 3));
  TensorId cell = f.mul(r.gate(open, 0), fresh);
  if (states.cell) {
    const TensorId forget =
        r.lowering.node.get_int("input_forget", 0) != 0 ? f.sub(1.0, r.gate(open, 0)) : r.gate(open, 2);
    cell = f.add(f.mul(forget, *states.cell), cell);
  }
  return {f.mul(r.gate(open, 1), r.apply(direction.functions[2], cell)), cell};
}

/// Gates stand as update, reset, hidden.
//   z, r = F(x W + h R);  n = G(x W + r (h R + b)) (linear_before_reset), or G(x W + (r h) R + b)
//   h' = (1 - z) n + z h = n + z (h - n)
States gru_step(Recurrence& r, const Direction& direction, TensorId inputs, const States& states) {
  Formula& f = r.f;
  const bool before_reset = r.lowering.node.get_int("linear_before_reset", 0) != 0;
  TensorId share_of_gates, share;
  if (states.hidden) {
    const TensorId product = r.recurrent(direction, *states.hidden, true);
    share_of_gates = r.gate(product, 0, 2);
    share = r.gate(product, 2);
  } else {
    share_of_gates = r.recurrent_bias(direction, 0, 2);
    share = r.recurrent_bias(direction, 2, 1);
  }
  const TensorId sums = r.clipped(f.add(r.gate(inputs, 0, 2), share_of_gates));
  const TensorId open = r.apply(direction.functions[0], sums);
  const TensorId update = r.gate(open, 0), reset = r.gate(open, 1);
  if (before_reset) {
    share = f.mul(reset, share);
  } else if (states.hidden) {
    share = r.gate(r.recurrent(direction, f.mul(reset, *states.hidden), true), 2);
  }
  const TensorId fresh = r.apply(direction.functions[1], r.clipped(f.add(r.gate(inputs, 2), share)));
  if (!states.hidden) return {f.mul(f.sub(1.0, update), fresh), std::nullopt};
  return {f.add(fresh, f.mul(update, f.sub(*states.hidden, fresh))), std::nullopt};
}

States rnn_step(Recurrence& r, const Direction& direction, TensorId inputs, const States& states) {
  TensorId sum = inputs;
  if (states.hidden) sum = r.f.add(sum, r.recurrent(direction, *states.hidden, false));
  return {r.apply(direction.functions[0], r.clipped(sum)), std::nullopt};
}

/// Y [T, D, N, H], last states [D, N, H]; batch first where layout is 1.
template <std::size_t outputs>
std::vector<OnnxType> infer_recurrent(const NodeView& view) {
  const OnnxType &x = view.input_type(0), &weights = view.input_type(2);
  if (!x.has_rank() || !weights.has_rank() || x.shape->size() != 3 || weights.shape->size() != 3)
    return std::vector<OnnxType>(std::min(outputs, view.node.outputs.size()), {x.dtype, std::nullopt});
  const Dimension directions = (*weights.shape)[0], hidden = (*weights.shape)[2];
  const Dimension first = (*x.shape)[0], second = (*x.shape)[1];
  const bool batch_first = view.node.get_int("layout", 0) != 0;
  const OnnxType states{
      x.dtype, batch_first ? Dimensions{first, directions, hidden} : Dimensions{directions, second, hidden}};
  std::vector<OnnxType> types{{x.dtype, batch_first ? Dimensions{first, second, directions, hidden}
                                                    : Dimensions{first, directions, second, hidden}},
                              states,
                              states};
  types.resize(std::min(outputs, view.node.outputs.size()));
  return types;
}

const OnnxOp onnx_rows[] = {
    {.type = "LSTM",
     .inputs = {3, 8},
     .infer = infer_recurrent<3>,
     .lower = lower_lstm,
     .traits = {.has_optional_outputs = true}},
    {.type = "GRU",
     .inputs = {3, 6},
     .infer = infer_recurrent<2>,
     .lower = lower_gru,
     .traits = {.has_optional_outputs = true}},
    {.type = "RNN",
     .inputs = {3, 6},
     .infer = infer_recurrent<2>,
     .lower = lower_rnn,
     .traits = {.has_optional_outputs = true}},
};

}  // namespace

Refusal lower_lstm(Lowering& lowering) {
  if (lowering.has_input(7)) return "peephole weights";
  Recurrence recurrence(lowering, 4, {{"Sigmoid"}, {"Tanh"}, {"Tanh"}});
  return unroll(recurrence, true, true, lstm_step);
}

Refusal lower_gru(Lowering& lowering) {
  Recurrence recurrence(lowering, 3, {{"Sigmoid"}, {"Tanh"}});
  return unroll(recurrence, false, false, gru_step);
}

Refusal lower_rnn(Lowering& lowering) {
  Recurrence recurrence(lowering, 1, {{"Tanh"}});
  return unroll(recurrence, true, false, rnn_step);
}

const OpFamily& recurrent_family() {
  static const OpFamily family{onnx_rows, {}};
  return family;
}

}  // namespace calib8
