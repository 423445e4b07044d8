// LSTM, GRU and RNN of several layers and both directions, as ONNX's operators of one layer.

#include "torch_program/operator_rows.h"

namespace calib8 {
namespace {

/// A kind of cell: how ONNX calls it, and where PyTorch's gates stand in ONNX's order.
struct Cell {
  std::string op_type;
  Integers gates;
  std::string activation;  ///< Of a plain cell.
};

struct Weights {
  OnnxValueId input, recurrent, bias;
};

/// Blocks of the first dimension, one a gate, in ONNX's order.
OnnxValueId in_order(OperatorCall& call, OnnxValueId x, const Cell& cell) {
  const Shape sizes = call.shape(x);
  const auto gates = static_cast<std::int64_t>(cell.gates.size());
  if (sizes.empty() || sizes[0] % gates != 0) call.fail("has weights of " + to_string(sizes));
  const std::int64_t size = sizes[0] / gates;
  Values blocks;
  for (const std::int64_t gate : cell.gates)
    blocks.push_back(call.slice(x, 0, gate * size, (gate + 1) * size));
  return call.concat(blocks, 0);
}

class Recurrence {
 public:
  Recurrence(OperatorCall& call, Cell cell) : call_(call), cell_(std::move(cell)) {}

  Values run();

 private:
  Weights weights_of(std::size_t layer) const;
  OnnxValueId initial(OnnxValueId states, std::size_t layer) const;
  OnnxValueId run_layer(OnnxValueId x, std::size_t layer);

  OperatorCall& call_;
  Cell cell_;
  Values parameters_;
  std::size_t layers_ = 0, directions_ = 1;
  bool has_bias_ = true;
  OnnxValueId first_state_, first_cell_;
  Values last_states_, last_cells_;
};

/// Those of each direction, one behind the other.
Weights Recurrence::weights_of(std::size_t layer) const {
  Values inputs, recurrents, biases;
  const std::size_t each = has_bias_ ? 4 : 2;
  for (std::size_t i = 0; i < directions_; ++i) {
    const std::size_t first = (layer * directions_ + i) * each;
    const auto stacked = [&](OnnxValueId x) { return call_.unsqueeze(in_order(call_, x, cell_), 0); };
    inputs.push_back(stacked(parameters_[first]));
    recurrents.push_back(stacked(parameters_[first + 1]));
    if (has_bias_)
      biases.push_back(call_.concat({stacked(parameters_[first + 2]), stacked(parameters_[first + 3])}, 1));
  }
  return {call_.concat(inputs, 0), call_.concat(recurrents, 0),
          biases.empty() ? OnnxValueId{} : call_.concat(biases, 0)};
}

OnnxValueId Recurrence::initial(OnnxValueId states, std::size_t layer) const {
  if (!states.exists()) return states;
  const auto begin = static_cast<std::int64_t>(layer * directions_);
  return call_.slice(states, 0, begin, begin + static_cast<std::int64_t>(directions_));
}

/// [T, N, inputs] -> [T, N, directions * hidden]
OnnxValueId Recurrence::run_layer(OnnxValueId x, std::size_t layer) {
  const Weights weights = weights_of(layer);
  const std::int64_t hidden = call_.shape(weights.recurrent)[2];
  Values inputs{
      x, weights.input, weights.recurrent, weights.bias, OnnxValueId{}, initial(first_state_, layer)};
  if (first_cell_.exists()) inputs.push_back(initial(first_cell_, layer));
  OperatorCall::Attributes attributes = {
      {"hidden_size", hidden}, {"direction", std::string(directions_ == 2 ? "bidirectional" : "forward")}};
  if (cell_.op_type == "GRU") attributes["linear_before_reset"] = std::int64_t{1};
  if (!cell_.activation.empty())
    attributes["activations"] = std::vector<std::string>(directions_, cell_.activation);
  const bool has_cell = cell_.op_type == "LSTM";
  const Values outputs = call_.emit_several(cell_.op_type, inputs, attributes, has_cell ? 3 : 2);
  last_states_.push_back(outputs[1]);
  if (has_cell) last_cells_.push_back(outputs[2]);
  const Shape sizes = call_.shape(outputs[0]);  // [T, directions, N, hidden]
  const OnnxValueId y = call_.transpose(outputs[0], {0, 2, 1, 3});
  return call_.reshape(y, {sizes[0], sizes[2], sizes[1] * sizes[3]});
}

Values Recurrence::run() {
  if (!call_.has("batch_first")) call_.fail("runs over sequences of their own lengths (PackedSequence)");
  if (call_.flag("train", false) && call_.number("dropout", 0) != 0)
    call_.fail("is in training mode: export the model after model.eval()");
  parameters_ = call_.tensors("params");
  has_bias_ = call_.flag("has_biases", true);
  const std::int64_t layers = call_.integer("num_layers");
  directions_ = call_.flag("bidirectional", false) ? 2 : 1;
  const std::size_t each = (has_bias_ ? 4 : 2) * directions_;
  if (layers < 1 || parameters_.size() != static_cast<std::size_t>(layers) * each ||
      static_cast<std::size_t>(layers) > parameters_.size())
    call_.fail("has weights of other layers than it names, or projections (proj_size)");
  layers_ = static_cast<std::size_t>(layers);
  OnnxValueId x = call_.tensor("input");
  if (cell_.op_type == "LSTM") {
    const Values states = call_.tensors("hx");
    if (states.size() != 2) call_.fail("has no two states: the file is damaged, get it anew");
    first_state_ = states[0], first_cell_ = states[1];
  } else {
    first_state_ = call_.tensor("hx");
  }
  const bool is_single = call_.rank(x) == 2;  // a sequence without batch
  if (is_single) {
    x = call_.unsqueeze(x, 1);
    first_state_ = call_.unsqueeze(first_state_, 1);
    if (first_cell_.exists()) first_cell_ = call_.unsqueeze(first_cell_, 1);
  }
  const bool batch_first = call_.flag("batch_first", false) && !is_single;
  if (call_.rank(x) != 3) call_.fail("runs over " + to_string(call_.shape(x)));
  if (batch_first) x = call_.transpose(x, {1, 0, 2});
  for (std::size_t i = 0; i < layers_; ++i) x = run_layer(x, i);
  if (batch_first) x = call_.transpose(x, {1, 0, 2});
  Values results{x, call_.concat(last_states_, 0)};
  if (!last_cells_.empty()) results.push_back(call_.concat(last_cells_, 0));
  if (is_single) {
    for (OnnxValueId& value : results) {
      Shape sizes = call_.shape(value);
      sizes.erase(sizes.begin() + 1);
      value = call_.reshape(value, sizes);
    }
  }
  return results;
}

// PyTorch's gates: input, forget, cell, output; reset, update, new.
Values lstm(OperatorCall& call) {
  return Recurrence(call, {"LSTM", {0, 3, 1, 2}, ""}).run();
}
Values gru(OperatorCall& call) {
  return Recurrence(call, {"GRU", {1, 0, 2}, ""}).run();
}
Values rnn_tanh(OperatorCall& call) {
  return Recurrence(call, {"RNN", {0}, "Tanh"}).run();
}
Values rnn_relu(OperatorCall& call) {
  return Recurrence(call, {"RNN", {0}, "Relu"}).run();
}

constexpr OperatorRow rows[] = {
    {"aten.lstm", lstm},
    {"aten.gru", gru},
    {"aten.rnn_tanh", rnn_tanh},
    {"aten.rnn_relu", rnn_relu},
};

}  // namespace

std::span<const OperatorRow> recurrent_operators() {
  return rows;
}

}  // namespace calib8
