#include "optimize/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "optimize/rewrite.h"
#include "optimize/structure.h"
#include "tflite_graph/describe.h"

namespace calib8 {
namespace {

constexpr std::size_t most_lines = 20;

/// Where a tensor comes from: input k, or output k of operator n in execution order.
using Origins = std::map<TensorId, std::string>;

Origins origins_of(const TfliteGraph& graph) {
  Origins origins;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i)
    origins[graph.inputs()[i]] = fmt::format("input {}", i);
  std::size_t number = 0;
  for (const OperatorId id : graph.nodes()) {
    const auto& outputs = graph[id].outputs;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      origins[outputs[i]] = fmt::format("output {} of operator {}", i, number);
    ++number;
  }
  return origins;
}

std::string type_of(const TfliteTensor& tensor) {
  const std::string quantization = tensor.quantization ? to_text(*tensor.quantization) : "";
  return fmt::format("{}{} {}", name_of(tensor.dtype), to_string(tensor.shape), quantization);
}

/// The largest difference as a share of the largest magnitude; infinite where one side isn't a number.
double relative_difference(std::span<const float> a, std::span<const float> b) {
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) {
      if (std::isfinite(a[i])) largest = std::max(largest, std::abs(static_cast<double>(a[i])));
      continue;
    }
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return INFINITY;
    largest = std::max({largest, std::abs(static_cast<double>(a[i])), std::abs(static_cast<double>(b[i]))});
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
  }
  return difference == 0 ? 0 : difference / largest;
}

class Comparison {
 public:
  Comparison(const TfliteGraph& a, const TfliteGraph& b, double tolerance)
      : a_(a), b_(b), tolerance_(tolerance), origins_a_(origins_of(a)), origins_b_(origins_of(b)) {}

  std::vector<std::string> run() {
    compare_names("input", a_.input_names, b_.input_names);
    compare_names("output", a_.output_names, b_.output_names);
    compare_tensors("input", a_.inputs(), b_.inputs());
    const auto order_a = a_.nodes(), order_b = b_.nodes();
    for (std::size_t i = 0; i < std::min(order_a.size(), order_b.size()); ++i) {
      const std::string& name = a_[a_[order_a[i]].outputs.at(0)].name;
      if (!compare_operators(fmt::format("operator {} ({})", i, name), a_[order_a[i]], b_[order_b[i]])) break;
    }
    if (order_a.size() != order_b.size())
      note(fmt::format("{} operators against {}", order_a.size(), order_b.size()));
    compare_tensors("output", a_.outputs(), b_.outputs());
    if (count_ > lines_.size()) lines_.push_back(fmt::format("and {} more", count_ - lines_.size()));
    return std::move(lines_);
  }

 private:
  void note(std::string line) {
    if (++count_ <= most_lines) lines_.push_back(std::move(line));
  }

  void compare_names(std::string_view what, const std::vector<std::string>& a,
                     const std::vector<std::string>& b) {
    if (a != b) note(fmt::format("{} names: {} against {}", what, joined(a), joined(b)));
  }
  static std::string joined(const std::vector<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ", "));
  }

  /// False where the kinds differ: then the networks have parted, and further lines would say nothing.
  bool compare_operators(const std::string& where, const TfliteOperator& a, const TfliteOperator& b) {
    if (signature_of(a.options) != signature_of(b.options)) {
      note(fmt::format("{}: {} against {}", where, signature_of(a.options), signature_of(b.options)));
      if (a.options.index() != b.options.index()) return false;
    }
    compare_tensors(where + " input", a.inputs, b.inputs);
    compare_tensors(where + " output", a.outputs, b.outputs);
    return true;
  }

  void compare_tensors(const std::string& where, const std::vector<TensorId>& a,
                       const std::vector<TensorId>& b) {
    if (a.size() != b.size()) return note(fmt::format("{}s: {} against {}", where, a.size(), b.size()));
    for (std::size_t i = 0; i < a.size(); ++i) compare_tensor(fmt::format("{} {}", where, i), a[i], b[i]);
  }

  void compare_tensor(const std::string& where, TensorId a, TensorId b) {
    const std::string from_a = origin(a_, origins_a_, a), from_b = origin(b_, origins_b_, b);
    if (from_a != from_b) return note(fmt::format("{}: {} against {}", where, from_a, from_b));
    if (!a.exists()) return;
    const TfliteTensor &tensor_a = a_[a], &tensor_b = b_[b];
    if (type_of(tensor_a) != type_of(tensor_b))
      return note(fmt::format("{}: {} against {}", where, type_of(tensor_a), type_of(tensor_b)));
    if (tensor_a.is_constant()) compare_constant(where, a, b);
  }

  static std::string origin(const TfliteGraph& graph, const Origins& origins, TensorId id) {
    if (!id.exists()) return "nothing";
    if (graph.is_constant(id)) return "a constant";
    const auto found = origins.find(id);
    return found == origins.end() ? "a tensor that nobody writes" : found->second;
  }

  void compare_constant(const std::string& where, TensorId a, TensorId b) {
    if (a_[a].dtype == DType::float32) {
      const double difference = relative_difference(float_values(a_, a), float_values(b_, b));
      if (difference > tolerance_)
        note(fmt::format("{}: '{}' and '{}' differ by {:.3g} of the largest element", where, a_[a].name,
                         b_[b].name, difference));
      return;
    }
    const ByteView bytes_a = a_[a].constant->bytes(), bytes_b = b_[b].constant->bytes();
    if (!std::equal(bytes_a.begin(), bytes_a.end(), bytes_b.begin(), bytes_b.end()))
      note(fmt::format("{}: {} against {}", where, to_text(a_[a]), to_text(b_[b])));
  }

  const TfliteGraph &a_, &b_;
  double tolerance_;
  Origins origins_a_, origins_b_;
  std::vector<std::string> lines_;
  std::size_t count_ = 0;
};

}  // namespace

std::vector<std::string> differences(const TfliteGraph& a, const TfliteGraph& b, double tolerance) {
  return Comparison(a, b, tolerance).run();
}

}  // namespace calib8
