#include "quantize/float_parts.h"

#include <algorithm>
#include <map>
#include <set>

#include "ops/tflite_op.h"
#include "quantize/disjoint_sets.h"

namespace calib8 {
namespace {

/// What one root belongs to.
class Normalization {
 public:
  Normalization(const TfliteGraph& graph, OperatorId root) : graph_(graph), root_(root) {}

  std::set<OperatorId> operators() {
    if (!take_statistics(graph_[root_].inputs[0])) return {};
    operators_.insert(root_);
    take_quotients(graph_[root_].outputs[0]);
    return std::move(operators_);
  }

 private:
  template <class Op>
  bool is(OperatorId id) const {
    return id.exists() && graph_[id].is<Op>();
  }
  bool has_constant(OperatorId id) const {
    const auto& inputs = graph_[id].inputs;
    return std::any_of(inputs.begin(), inputs.end(),
                       [&](TensorId input) { return input.exists() && graph_.is_constant(input); });
  }
  /// The operand of two that is computed.
  TensorId computed_operand(OperatorId id) const {
    const auto& inputs = graph_[id].inputs;
    return graph_.is_constant(inputs[0]) ? inputs[1] : inputs[0];
  }

  /// What computes the tensor, or what a RESHAPE in between passes on: layouts leave these where sizes of 1
  /// move.
  OperatorId producer(TensorId tensor) {
    OperatorId id = graph_.producer(tensor);
    for (; is<tflite::Reshape>(id); id = graph_.producer(graph_[id].inputs[0])) operators_.insert(id);
    return id;
  }

  /// Behind constant summands, factors and lower bounds.
  OperatorId producer_behind_constants(TensorId tensor) {
    OperatorId id = producer(tensor);
    while (id.exists() && (is<tflite::Add>(id) || is<tflite::Maximum>(id) || is<tflite::Mul>(id)) &&
           has_constant(id)) {
      operators_.insert(id);
      id = producer(computed_operand(id));
    }
    return id;
  }

  /// Whether it is one of MEAN, SUM, or sums of neighbours as a product with a constant matrix.
  bool is_average(OperatorId id) const {
    const bool sums_neighbours = is<tflite::FullyConnected>(id) && graph_.is_constant(graph_[id].inputs[1]);
    return is<tflite::Mean>(id) || is<tflite::Sum>(id) || sums_neighbours;
  }

  bool is_square(OperatorId id) const {
    return is<tflite::Mul>(id) && graph_[id].inputs[0] == graph_[id].inputs[1];
  }

  //   the variance -> [+ epsilon, or at least epsilon] -> the root
  bool take_statistics(TensorId of_root) {
    const OperatorId id = producer_behind_constants(of_root);
    return is<tflite::Sub>(id) ? take_difference_of_squares(id) : take_mean_of_squares(id);
  }

  //   [x - mean(x)] -> squares -> their mean
  bool take_mean_of_squares(OperatorId id) {
    if (!is_average(id)) return false;
    operators_.insert(id);
    const OperatorId squares = producer(graph_[id].inputs[0]);
    if (!is_square(squares)) return false;
    operators_.insert(squares);
    const OperatorId difference = graph_.producer(graph_[squares].inputs[0]);
    if (!is<tflite::Sub>(difference)) return true;
    const OperatorId mean = graph_.producer(graph_[difference].inputs[1]);
    const OperatorId before = is<tflite::Reshape>(mean) ? graph_.producer(graph_[mean].inputs[0]) : mean;
    if (is<tflite::Mean>(before)) operators_.insert({difference, mean, before});
    return true;
  }

  //   mean(squares of x) - square of mean(x), and x - mean(x) beside it
  bool take_difference_of_squares(OperatorId id) {
    operators_.insert(id);
    const OperatorId square = producer(graph_[id].inputs[1]);
    if (!is_square(square) || !take_mean_of_squares(producer_behind_constants(graph_[id].inputs[0])))
      return false;
    operators_.insert(square);
    const TensorId mean = graph_[square].inputs[0];
    const OperatorId average = producer_behind_constants(mean);
    if (!is_average(average)) return false;
    operators_.insert(average);
    take_differences(mean);
    return true;
  }

  void take_differences(TensorId mean) {
    for (const OperatorId reader : graph_.users(mean)) {
      if (is<tflite::Reshape>(reader)) take_differences(graph_[reader].outputs[0]);
      if (is<tflite::Sub>(reader) || is<tflite::Reshape>(reader)) operators_.insert(reader);
    }
  }

  //   the root -> [at least epsilon, or the power of a logarithm, or 1 / root] -> [RESHAPE] -> MUL or DIV
  //   -> [MUL, ADD with constants]
  void take_quotients(TensorId root) {
    for (const OperatorId reader : graph_.users(root)) {
      const bool has_number =
          (is<tflite::Maximum>(reader) || is<tflite::Add>(reader) || is<tflite::Mul>(reader)) &&
          has_constant(reader);
      const bool is_reciprocal = is<tflite::Div>(reader) && graph_.is_constant(graph_[reader].inputs[0]);
      if (has_number || is_reciprocal || is<tflite::Exp>(reader) || is<tflite::Reshape>(reader)) {
        operators_.insert(reader);
        take_quotients(graph_[reader].outputs[0]);
      } else if (is<tflite::Mul>(reader) || is<tflite::Div>(reader)) {
        operators_.insert(reader);
        take_affine(graph_[reader].outputs[0]);
      }
    }
  }

  void take_affine(TensorId quotient) {
    while (graph_.has_single_use(quotient)) {
      const OperatorId reader = graph_.users(quotient)[0];
      if (!(is<tflite::Mul>(reader) || is<tflite::Add>(reader)) || !has_constant(reader)) return;
      operators_.insert(reader);
      quotient = graph_[reader].outputs[0];
    }
  }

  const TfliteGraph& graph_;
  OperatorId root_;
  std::set<OperatorId> operators_;
};

/// The way from a product of matrices to a tensor, by operators that pick parts of it, move them or add
/// constants to them: from the end. Empty where the tensor comes another way.
std::vector<OperatorId> way_from_product(const TfliteGraph& graph, TensorId tensor) {
  std::vector<OperatorId> way;
  for (OperatorId id = graph.producer(tensor); id.exists(); id = graph.producer(graph[id].inputs[0])) {
    const TfliteOperator& op = graph[id];
    way.push_back(id);
    if (op.is<tflite::BatchMatMul>()) return way;
    const bool adds = op.is<tflite::Add>() && graph.is_constant(op.inputs[1]);
    const bool bounds = op.is<tflite::Maximum>() && graph.is_constant(op.inputs[1]);
    if (!adds && !bounds && !op.is<tflite::Slice>() && !op.is<tflite::StridedSlice>() &&
        !op.is<tflite::Reshape>() && !op.is<tflite::Transpose>())
      break;
  }
  return {};
}

bool may_be_in_stream(const TfliteOperator& op) {
  return op.is<tflite::Add>() || op.is<tflite::Concatenation>() || op.is<tflite::Slice>() ||
         op.is<tflite::StridedSlice>() || op.is<tflite::Reshape>() || op.is<tflite::Transpose>();
}

/// A sum of two tensors of one shape, or a concatenation of several.
bool joins_streams(const TfliteGraph& graph, OperatorId id) {
  const TfliteOperator& op = graph[id];
  if (op.is<tflite::Concatenation>()) return op.inputs.size() > 1;
  return op.is<tflite::Add>() && !graph.is_constant(op.inputs[0]) && !graph.is_constant(op.inputs[1]) &&
         graph[op.inputs[0]].shape == graph[op.inputs[1]].shape;
}

/// Which tensor each is a function of: itself, unless an elementwise operator makes it of one alone.
class Sources {
 public:
  explicit Sources(const TfliteGraph& graph) : graph_(graph) {}

  /// The one tensor that an elementwise operator's result is a function of; absent where there are several.
  TensorId of(const TfliteOperator& op) {
    if (!tflite_op(op.options).is_elementwise || op.outputs.size() != 1) return {};
    TensorId source;
    for (const TensorId input : op.inputs) {
      if (!input.exists() || graph_.is_constant(input)) continue;
      if (graph_[input].shape != graph_[op.outputs[0]].shape || graph_[input].dtype != DType::float32)
        return {};
      const TensorId from = known(input);
      if (source.exists() && source != from) return {};
      source = from;
    }
    if (source.exists()) sources_[op.outputs[0].index] = source;
    return source;
  }

 private:
  TensorId known(TensorId tensor) const {
    const auto found = sources_.find(tensor.index);
    return found == sources_.end() ? tensor : found->second;
  }

  const TfliteGraph& graph_;
  std::map<std::uint32_t, TensorId> sources_;
};

}  // namespace

std::vector<OperatorId> operators_of_normalizations(const TfliteGraph& graph) {
  std::set<OperatorId> all;
  for (const OperatorId id : graph.nodes()) {
    const TfliteOperator& op = graph[id];
    if (!op.is<tflite::Rsqrt>() && !op.is<tflite::Sqrt>() && !op.is<tflite::Log>()) continue;
    all.merge(Normalization(graph, id).operators());
  }
  return {all.begin(), all.end()};
}

std::vector<OperatorId> operators_of_quotients(const TfliteGraph& graph) {
  std::set<OperatorId> all;
  for (const OperatorId id : graph.nodes()) {
    if (!graph[id].is<tflite::Div>()) continue;
    const auto dividend = way_from_product(graph, graph[id].inputs[0]);
    const auto divisor = way_from_product(graph, graph[id].inputs[1]);
    if (dividend.empty() || divisor.empty() || dividend.back() != divisor.back()) continue;
    all.insert(id);
    all.insert(dividend.begin(), dividend.end());
    all.insert(divisor.begin(), divisor.end());
  }
  return {all.begin(), all.end()};
}

std::vector<std::vector<OperatorId>> streams_of_normalizations(const TfliteGraph& graph) {
  const std::vector<OperatorId> order = graph.nodes(), known = operators_of_normalizations(graph);
  const std::set<OperatorId> normalizations(known.begin(), known.end());
  std::set<OperatorId> leads_there;
  for (auto id = order.rbegin(); id != order.rend(); ++id) {
    if (!may_be_in_stream(graph[*id]) || normalizations.contains(*id)) continue;
    const auto& readers = graph.users(graph[*id].outputs[0]);
    const bool leads = std::any_of(readers.begin(), readers.end(), [&](OperatorId reader) {
      return normalizations.contains(reader) || leads_there.contains(reader);
    });
    if (leads) leads_there.insert(*id);
  }
  // What only moves something else (or adds a constant to it) belongs to the stream that it comes of.
  std::map<OperatorId, std::uint32_t> stream_of;
  DisjointSets joined(order.size());
  for (const OperatorId id : order) {
    if (!leads_there.contains(id)) continue;
    std::optional<std::uint32_t> stream;
    for (const TensorId input : graph[id].inputs) {
      const auto found = input.exists() ? stream_of.find(graph.producer(input)) : stream_of.end();
      if (found == stream_of.end()) continue;
      if (stream) joined.unite(*stream, found->second);
      stream = found->second;
    }
    if (!stream && joins_streams(graph, id)) stream = static_cast<std::uint32_t>(stream_of.size());
    if (stream) stream_of.emplace(id, *stream);
  }
  std::map<std::uint32_t, std::vector<OperatorId>> streams;
  for (const OperatorId id : order) {
    const auto found = stream_of.find(id);
    if (found != stream_of.end()) streams[joined.find(found->second)].push_back(id);
  }
  std::vector<std::vector<OperatorId>> all;
  for (auto& [first, operators] : streams) all.push_back(std::move(operators));
  return all;
}

std::vector<OperatorId> operators_of_functions(const TfliteGraph& graph,
                                               const std::function<bool(OperatorId)>& is_kept) {
  Sources sources(graph);
  std::map<std::uint32_t, std::vector<OperatorId>> functions;
  std::set<std::uint32_t> kept;
  for (const OperatorId id : graph.nodes()) {
    const TensorId source = sources.of(graph[id]);
    if (!source.exists()) continue;
    functions[source.index].push_back(id);
    if (is_kept(id)) kept.insert(source.index);
  }
  std::vector<OperatorId> all;
  for (const auto& [source, operators] : functions) {
    if (kept.contains(source) && operators.size() > 1)
      all.insert(all.end(), operators.begin(), operators.end());
  }
  return all;
}

}  // namespace calib8
