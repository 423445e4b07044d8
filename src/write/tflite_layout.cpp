#include "write/tflite_layout.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "calib8/error.h"
#include "ops/tflite_op.h"

namespace calib8 {
namespace {

std::vector<TfliteOutput> choose_outputs(const TfliteGraph& graph, const TfliteFileOptions& options) {
  if (options.outputs) return *options.outputs;
  std::vector<TfliteOutput> outputs;
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    const TensorId id = graph.outputs()[i];
    outputs.push_back({id, i < graph.output_names.size() ? graph.output_names[i] : std::string()});
  }
  return outputs;
}

void number_tensors(const TfliteGraph& graph, TfliteLayout& layout) {
  layout.tensor_index.assign(graph.value_count(), TfliteLayout::no_index);
  const auto number = [&](TensorId id) {
    if (!id.exists() || layout.tensor_index[id.index] != TfliteLayout::no_index) return;
    layout.tensor_index[id.index] = static_cast<std::uint32_t>(layout.tensors.size());
    layout.tensors.push_back(id);
  };
  for (const TensorId id : graph.inputs()) number(id);
  for (const OperatorId id : layout.operators) {
    for (const TensorId input : graph[id].inputs) number(input);
    for (const TensorId output : graph[id].outputs) number(output);
  }
  for (const TfliteOutput& output : layout.outputs) {
    const bool is_written = layout.tensor_index[output.tensor.index] != TfliteLayout::no_index;
    if (!is_written && !graph.is_constant(output.tensor)) {
      throw Error(ErrorCode::internal, "output '" + output.name + "' is never computed");
    }
    number(output.tensor);
  }
}

/// Keeps a name where it is still free and counts up from it where not.
void name_tensors(const TfliteGraph& graph, TfliteLayout& layout) {
  std::unordered_set<std::string> taken;
  std::unordered_map<std::string, int> next_suffix;
  for (const TensorId id : layout.tensors) {
    const std::string base = graph[id].name.empty() ? "tensor" : graph[id].name;
    std::string name = base;
    while (!taken.insert(name).second) name = base + "_" + std::to_string(++next_suffix[base]);
    layout.tensor_names.push_back(std::move(name));
  }
}

void number_buffers(const TfliteGraph& graph, TfliteLayout& layout) {
  layout.buffers.emplace_back();
  // Weights mostly differ at their beginning already, so no more of them is hashed.
  constexpr std::size_t hashed_bytes = 4096;
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_hash;
  const auto find_or_add = [&](ByteView bytes) -> std::uint32_t {
    if (bytes.empty()) return 0;
    const std::uint64_t hash = hash64(bytes.first(std::min(bytes.size(), hashed_bytes)));
    const auto [begin, end] = by_hash.equal_range(hash);
    for (auto candidate = begin; candidate != end; ++candidate) {
      const ByteView other = layout.buffers[candidate->second];
      const bool is_equal =
          other.size() == bytes.size() &&
          (other.data() == bytes.data() || std::memcmp(other.data(), bytes.data(), bytes.size()) == 0);
      if (is_equal) return candidate->second;
    }
    const auto index = static_cast<std::uint32_t>(layout.buffers.size());
    layout.buffers.push_back(bytes);
    by_hash.emplace(hash, index);
    return index;
  };
  for (const TensorId id : layout.tensors) {
    const auto& constant = graph[id].constant;
    layout.tensor_buffer.push_back(constant ? find_or_add(constant->bytes()) : 0);
  }
}

void number_codes(const TfliteGraph& graph, TfliteLayout& layout) {
  for (const OperatorId id : layout.operators) {
    const TfliteOp& row = tflite_op(graph[id].options);
    const TfliteLayout::Code code{row.builtin_code, row.version ? row.version(graph, graph[id]) : 1};
    const auto found = std::find(layout.codes.begin(), layout.codes.end(), code);
    layout.operator_code.push_back(static_cast<std::uint32_t>(found - layout.codes.begin()));
    if (found == layout.codes.end()) layout.codes.push_back(code);
  }
}

void name_outputs(TfliteLayout& layout) {
  std::set<std::string_view> names;
  std::set<TensorId> tensors;
  for (TfliteOutput& output : layout.outputs) {
    if (output.name.empty()) output.name = layout.tensor_names[layout.index_of(output.tensor)];
    if (!names.insert(output.name).second || !tensors.insert(output.tensor).second) {
      throw Error(ErrorCode::internal, "output '" + output.name + "' is given twice");
    }
  }
}

}  // namespace

TfliteLayout lay_out(const TfliteGraph& graph, const TfliteFileOptions& options) {
  TfliteLayout layout;
  layout.outputs = choose_outputs(graph, options);
  layout.operators = graph.nodes();
  number_tensors(graph, layout);
  name_tensors(graph, layout);
  name_outputs(layout);
  number_buffers(graph, layout);
  number_codes(graph, layout);
  return layout;
}

}  // namespace calib8
