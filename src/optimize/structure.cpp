#include "optimize/structure.h"

#include <fmt/format.h>

#include <algorithm>

#include "tflite_graph/describe.h"

namespace calib8 {
namespace {

constexpr std::size_t large = 4096;  ///< Bytes.

std::uint64_t hash_of(std::string_view text) {
  return hash64(std::as_bytes(std::span(text.data(), text.size())));
}

/// What the structure knows of a constant: integers (axes, shapes) are part of it, weights are not.
std::string structure_of(const TfliteTensor& constant) {
  std::string text = fmt::format("{}{}", name_of(constant.dtype), to_string(constant.shape));
  if (!is_floating(constant.dtype)) text += short_hash(constant.constant->bytes());
  return text;
}

}  // namespace

std::string signature_of(const tflite::Options& options) {
  std::string text(name_of(options));
  for (const auto& [name, value] : describe_options(options)) text += fmt::format(" {}={}", name, value);
  return text;
}

std::string content_of(const TfliteTensor& constant) {
  const ByteView bytes = constant.constant->bytes();
  std::string text = fmt::format("{}{}", name_of(constant.dtype), to_string(constant.shape));
  if (constant.quantization) text += to_text(*constant.quantization);
  return bytes.size() > large ? text : text + short_hash(bytes);
}

bool have_equal_content(const TfliteTensor& a, const TfliteTensor& b) {
  if (a.dtype != b.dtype || a.shape != b.shape || a.quantization != b.quantization) return false;
  const ByteView left = a.constant->bytes(), right = b.constant->bytes();
  return left.size() == right.size() &&
         (left.data() == right.data() || std::equal(left.begin(), left.end(), right.begin()));
}

bool is_commutative(const tflite::Options& options) {
  return std::holds_alternative<tflite::Add>(options) || std::holds_alternative<tflite::Mul>(options) ||
         std::holds_alternative<tflite::Maximum>(options) || std::holds_alternative<tflite::Minimum>(options);
}

std::vector<std::uint64_t> structure_hashes(const TfliteGraph& graph) {
  std::vector<std::uint64_t> hashes(graph.value_count(), 0);
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const TensorId input = graph.inputs()[i];
    hashes[input.index] = hash_of(fmt::format("input {} {}", i, to_string(graph[input].shape)));
  }
  for (const OperatorId id : graph.nodes()) {
    const TfliteOperator& op = graph[id];
    std::vector<std::uint64_t> operands;
    for (const TensorId input : op.inputs) {
      if (!input.exists()) {
        operands.push_back(0);
      } else {
        const TfliteTensor& tensor = graph[input];
        operands.push_back(tensor.is_constant() ? hash_of(structure_of(tensor)) : hashes[input.index]);
      }
    }
    if (is_commutative(op.options)) std::sort(operands.begin(), operands.end());
    std::string text = signature_of(op.options);
    for (const std::uint64_t operand : operands) text += fmt::format(" {:x}", operand);
    for (std::size_t i = 0; i < op.outputs.size(); ++i) {
      if (op.outputs[i].exists())
        hashes[op.outputs[i].index] =
            hash_of(fmt::format("{} -> {} {}", text, i, to_string(graph[op.outputs[i]].shape)));
    }
  }
  return hashes;
}

}  // namespace calib8
