// LSTM, GRU and RNN with their standard functions, step by step as the specification writes them.
#include <stdexcept>

#include "functions.h"
#include "onnx_reference.h"

namespace calib8::property {
namespace {

using Vector = std::vector<Real>;

/// One direction's weights and state, over one sequence.
struct Cell {
  const Array *weights, *recurrent, *bias;
  std::size_t direction, hidden, depth, gates;

  /// The input's or the state's share of a row of a gate.
  Real share(const Array& matrix, std::size_t row, const Vector& of) const {
    Sum sum;
    const std::size_t begin = (direction * gates * hidden + row) * of.size();
    for (std::size_t i = 0; i < of.size(); ++i) sum.add(matrix.elements[begin + i] * of[i]);
    return sum.total();
  }
  Real offset(std::size_t row, bool of_recurrence) const {
    if (!bias) return {0, 0};
    return bias->elements[(2 * direction + (of_recurrence ? 1 : 0)) * gates * hidden + row];
  }
  Real gate(std::size_t number, std::size_t unit, const Vector& x, const Vector& h) const {
    const std::size_t row = number * hidden + unit;
    return share(*weights, row, x) + share(*recurrent, row, h) + (offset(row, false) + offset(row, true));
  }
};

struct State {
  Vector hidden, cell;
};

State step(const OnnxNode& node, const Cell& c, const Vector& x, const State& before) {
  State after = before;
  if (node.op_type == "RNN") {
    for (std::size_t i = 0; i < c.hidden; ++i)
      after.hidden[i] = hyperbolic_tangent(c.gate(0, i, x, before.hidden));
    return after;
  }
  if (node.op_type == "LSTM") {
    for (std::size_t i = 0; i < c.hidden; ++i) {
      const Real input = logistic(c.gate(0, i, x, before.hidden)),
                 output = logistic(c.gate(1, i, x, before.hidden));
      const Real forget = logistic(c.gate(2, i, x, before.hidden)),
                 fresh = hyperbolic_tangent(c.gate(3, i, x, before.hidden));
      after.cell[i] = forget * before.cell[i] + input * fresh;
      after.hidden[i] = output * hyperbolic_tangent(after.cell[i]);
    }
    return after;
  }
  const bool before_reset = node.get_int("linear_before_reset", 0) != 0;
  Vector reset(c.hidden), lowered(c.hidden);
  for (std::size_t i = 0; i < c.hidden; ++i) {
    reset[i] = logistic(c.gate(1, i, x, before.hidden));
    lowered[i] = reset[i] * before.hidden[i];
  }
  for (std::size_t i = 0; i < c.hidden; ++i) {
    const Real update = logistic(c.gate(0, i, x, before.hidden));
    const std::size_t row = 2 * c.hidden + i;
    const Real inside = before_reset
                            ? reset[i] * (c.share(*c.recurrent, row, before.hidden) + c.offset(row, true))
                            : c.share(*c.recurrent, row, lowered) + c.offset(row, true);
    const Real fresh = hyperbolic_tangent(c.share(*c.weights, row, x) + c.offset(row, false) + inside);
    after.hidden[i] = fresh + update * (before.hidden[i] - fresh);
  }
  return after;
}

Vector row_of(const Array* states, std::size_t direction, std::size_t batch, std::size_t batches,
              std::size_t hidden) {
  Vector row(hidden);
  for (std::size_t i = 0; states && i < hidden; ++i)
    row[i] = states->elements[(direction * batches + batch) * hidden + i];
  return row;
}

}  // namespace

std::vector<Array> evaluate_recurrent(const OnnxNode& node, const Operands& in) {
  const bool is_lstm = node.op_type == "LSTM";
  if (!is_lstm && node.op_type != "GRU" && node.op_type != "RNN") return {};
  const auto optional = [&](std::size_t i) { return i < in.size() ? in[i] : nullptr; };
  const Array& x = *in.at(0);
  const auto steps = static_cast<std::size_t>(x.shape.at(0)),
             batches = static_cast<std::size_t>(x.shape.at(1));
  const auto depth = static_cast<std::size_t>(x.shape.at(2)),
             hidden = static_cast<std::size_t>(in.at(2)->shape.at(2));
  const auto directions = static_cast<std::size_t>(in[2]->shape[0]);
  const std::size_t gates = static_cast<std::size_t>(in[1]->shape.at(1)) / hidden;
  const auto size = [](std::size_t value) { return static_cast<std::int64_t>(value); };
  Array all = filled({size(steps), size(directions), size(batches), size(hidden)}, {});
  Array last = filled({size(directions), size(batches), size(hidden)}, {}), cells = last;
  for (std::size_t d = 0; d < directions; ++d) {
    const bool reverses = d == 1 || node.get_string("direction", "forward") == "reverse";
    const Cell cell{in[1], in[2], optional(3), d, hidden, depth, gates};
    for (std::size_t b = 0; b < batches; ++b) {
      State state{row_of(optional(5), d, b, batches, hidden),
                  row_of(is_lstm ? optional(6) : nullptr, d, b, batches, hidden)};
      for (std::size_t i = 0; i < steps; ++i) {
        const std::size_t t = reverses ? steps - 1 - i : i;
        const auto begin = x.elements.begin() + static_cast<std::ptrdiff_t>((t * batches + b) * depth);
        state = step(node, cell, Vector(begin, begin + static_cast<std::ptrdiff_t>(depth)), state);
        for (std::size_t k = 0; k < hidden; ++k)
          all.elements[((t * directions + d) * batches + b) * hidden + k] = state.hidden[k];
      }
      for (std::size_t k = 0; k < hidden; ++k) {
        last.elements[(d * batches + b) * hidden + k] = state.hidden[k];
        cells.elements[(d * batches + b) * hidden + k] = state.cell[k];
      }
    }
  }
  std::vector<Array> results{std::move(all), std::move(last)};
  if (is_lstm) results.push_back(std::move(cells));
  return results;
}

}  // namespace calib8::property
