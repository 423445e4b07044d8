#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/formula.h"

namespace calib8 {

/// A function of a gate, by ONNX's name for it.
struct GateFunction {
  std::string name;
  double alpha = 0, beta = 0;
};

/// One direction of an LSTM, GRU or RNN, while it is written down step by step.
struct Direction {
  std::size_t number = 0;  ///< Its place along the first axis of weights and states.
  bool is_reverse = false;
  std::vector<GateFunction> functions;
};

/// What the three operators have in common: x [T, N, I], W [D, G H, I], R [D, G H, H], B [D, 2 G H], states
/// [D, N, H] (all [N, ...] first where layout is 1).
class Recurrence {
 public:
  /// `gates` is G; `defaults` the functions of a direction where the node names none.
  Recurrence(Lowering& lowering, std::int64_t gates, std::vector<GateFunction> defaults);

  /// Why it can't be written down; nothing where it can.
  Refusal refusal() const;

  Lowering& lowering;
  Formula f;
  std::int64_t steps = 0, batch = 0, hidden = 0;
  std::vector<Direction> directions;

  /// x times this direction's W for all steps at once: [T, N, G H]; with W's bias, and R's added where the
  /// gate sums both (`with_recurrent_bias`).
  TensorId inputs_of(const Direction& direction, bool with_recurrent_bias);
  /// One step of that: [N, G H].
  TensorId step_of(TensorId inputs, std::int64_t step);
  /// h [N, H] times R, with R's bias or without: [N, G H].
  TensorId recurrent(const Direction& direction, TensorId state, bool with_bias);
  /// R's bias of some gates alone: [1, count H].
  TensorId recurrent_bias(const Direction& direction, std::int64_t number, std::int64_t count);
  /// The state that a direction begins with, input `position`; nothing where it is zero.
  std::optional<TensorId> initial(const Direction& direction, std::size_t position);

  TensorId gate(TensorId gates, std::int64_t number, std::int64_t count = 1);
  TensorId apply(const GateFunction& function, TensorId x);
  /// Cut to [-clip, clip] where the node says so.
  TensorId clipped(TensorId x);

  /// The outputs: of every step in each direction, in the steps' order; and the last states.
  void give(const std::vector<std::vector<TensorId>>& of_steps, const std::vector<TensorId>& last,
            const std::vector<TensorId>& last_cells);

 private:
  TensorId matrix(const Direction& direction, std::size_t position);
  std::vector<float> bias_of(const Direction& direction, bool of_recurrence) const;
  bool is_used(std::size_t output) const;

  struct Recurrent {
    TensorId weights, bias;
  };

  std::int64_t gates_;
  std::vector<Recurrent> recurrent_{2};  ///< By direction; made when first used.
  bool batch_first_ = false;
};

Refusal lower_lstm(Lowering& lowering);
Refusal lower_gru(Lowering& lowering);
Refusal lower_rnn(Lowering& lowering);

}  // namespace calib8
