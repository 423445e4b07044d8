#include "read/onnx/onnx_builder.h"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "calib8/error.h"
#include "onnx_graph/emitter.h"
#include "ops/onnx_op.h"
#include "read/onnx/onnx_flatten.h"
#include "read/onnx/onnx_graph_message.h"
#include "read/onnx/onnx_microsoft.h"
#include "read/onnx/onnx_node.h"
#include "read/onnx/onnx_quantized.h"
#include "read/onnx/onnx_upgrade.h"
#include "read/onnx/onnx_value_info.h"

namespace calib8 {
namespace {

using protozero::data_view;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::model, message);
}

constexpr const char* holds_no_numbers = " holds no tensor of numbers";

/// The tensor that a Constant node stands for; nothing where it is of a kind that isn't supported.
std::optional<Tensor> tensor_of_constant(const OnnxNodeMessage& node, OnnxRefusals& refusals) {
  for (const auto& [name, value] : node.attributes) {
    if (const auto* tensor = std::get_if<Tensor>(&value); tensor && name == "value") return *tensor;
    if (const auto* number = std::get_if<float>(&value)) return make_tensor<float>({}, {*number});
    if (const auto* number = std::get_if<std::int64_t>(&value))
      return make_tensor<std::int64_t>({}, {*number});
    if (const auto* list = std::get_if<std::vector<float>>(&value)) {
      return make_tensor<float>({static_cast<std::int64_t>(list->size())}, *list);
    }
    if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) {
      return make_tensor<std::int64_t>({static_cast<std::int64_t>(list->size())}, *list);
    }
  }
  refusals.add(node.describe() + holds_no_numbers);
  return std::nullopt;
}

class Builder {
 public:
  Builder(OnnxFlattener& flattener, std::int64_t opset, OnnxTensorSource& source, OnnxRefusals& refusals)
      : flattener_(flattener), opset_(opset), source_(source), refusals_(refusals) {}

  std::size_t quantized_operators() const { return dequantizer_.operators(); }

  OnnxGraph build(const OnnxGraphMessage& message) {
    graph_.name = message.name;
    if (message.sparse_initializers > 0) refusals_.add("sparse initializers");
    add_initializers(message.initializers);
    add_inputs(message.inputs);
    for (std::size_t i = 0; i < message.nodes.size(); ++i) flattener_.add(message.nodes[i], i);
    for (OnnxTensor& initializer : flattener_.initializers) add_initializer_of_branch(std::move(initializer));
    add_constant_nodes();
    std::vector<std::string> outputs;
    for (const data_view view : message.outputs) outputs.push_back(read_onnx_value_info(view).name);
    drop_unused_outputs(outputs);
    reserve_names();
    for (const std::size_t position : execution_order()) append(nodes_[position]);
    set_outputs(outputs);
    return emitter_.take();
  }

 private:
  OnnxValueId define(const std::string& name, OnnxValue value) {
    if (name.empty()) fail("a value has no name");
    const OnnxValueId id = graph_.add_value(std::move(value));
    if (!ids_.emplace(name, id).second) fail("'" + name + "' is defined twice");
    return id;
  }

  void define_constant(const std::string& name, Tensor tensor) {
    OnnxType type = static_type(tensor.dtype, tensor.shape);
    define(name, {name, std::move(type), std::move(tensor)});
  }

  void add_initializers(const std::vector<data_view>& messages) {
    for (const data_view view : messages) add_initializer(read_onnx_tensor(view, source_));
  }

  void add_initializer(OnnxTensor read) {
    if (read.tensor) {
      define_constant(read.name, std::move(*read.tensor));
    } else {
      refusals_.add("initializer '" + read.name + "' holds " + read.refusal);
      define(read.name, {read.name, std::nullopt, std::nullopt});  // so that its readers aren't refused too
    }
  }

  /// What can't be read of a branch is refused where it is taken: no operator has such a name.
  void add_initializer_of_branch(OnnxTensor read) {
    if (read.tensor) return add_initializer(std::move(read));
    const OnnxValueId value = define(read.name, {read.name, std::nullopt, std::nullopt});
    graph_.append({"an initializer that holds " + read.refusal, read.name, {}, {value}, {}});
  }

  /// Older files list initializers among the inputs too, as values that a caller may replace.
  void add_inputs(const std::vector<data_view>& messages) {
    std::vector<OnnxValueId> inputs;
    for (const data_view view : messages) {
      OnnxValueInfo info = read_onnx_value_info(view);
      const auto known = ids_.find(info.name);
      if (known != ids_.end() && graph_[known->second].constant) continue;
      if (!info.refusal.empty()) refusals_.add("input '" + info.name + "' " + info.refusal);
      inputs.push_back(define(info.name, {info.name, info.type, std::nullopt}));
    }
    graph_.set_inputs(std::move(inputs));
  }

  void add_constant_nodes() {
    for (OnnxNodeMessage& node : nodes_) {
      if (node.op_type != "Constant" || node.domain.size() > 0 || node.outputs.size() != 1) continue;
      if (!node.refusals.empty()) continue;
      OnnxRefusals own;
      std::optional<Tensor> tensor = tensor_of_constant(node, node.conditions.empty() ? refusals_ : own);
      if (tensor) define_constant(node.outputs[0], std::move(*tensor));
      node.refusals.insert(node.refusals.end(), own.all().begin(), own.all().end());
      if (own.all().empty()) node.op_type.clear();  // done with it
    }
  }

  /// Optional outputs that nobody reads are left out; the first one stays.
  void drop_unused_outputs(const std::vector<std::string>& graph_outputs) {
    std::unordered_set<std::string_view> read(graph_outputs.begin(), graph_outputs.end());
    for (const OnnxNodeMessage& node : nodes_) read.insert(node.inputs.begin(), node.inputs.end());
    for (OnnxNodeMessage& node : nodes_) {
      if (node.op_type.empty()) continue;
      const OnnxOp* op = find_onnx_op(node.op_type);
      const bool may_drop = op && op->traits.has_optional_outputs;
      while (may_drop && node.outputs.size() > 1 && !read.contains(node.outputs.back()))
        node.outputs.pop_back();
      if (node.outputs.empty() || node.outputs.back().empty()) fail(node.describe() + " has no output");
      // An LSTM may give its last states alone.
      if (node.outputs[0].empty()) node.outputs[0] = node.outputs.back() + "/unread";
    }
  }

  /// Upgrading makes values up, and none may get a name that a later node gives to its own.
  void reserve_names() {
    for (const OnnxNodeMessage& node : nodes_) {
      for (const std::string& output : node.outputs) graph_.free_name(output);
    }
  }

  /// Positions of the nodes, each behind those that it reads from; those that could run at the same time keep
  /// the file's order.
  std::vector<std::size_t> execution_order() const {
    std::unordered_map<std::string_view, std::size_t> producer;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].op_type.empty()) continue;
      for (const std::string& output : nodes_[i].outputs) {
        if (output.empty()) continue;
        // As PyTorch's exporter writes a model that gives its input out; no runtime takes it.
        if (nodes_[i].op_type == "Identity" && nodes_[i].inputs == nodes_[i].outputs)
          fail("output '" + output + "' is the input '" + output +
               "' under the same name: leave it out, or give it out under a name of its own");
        if (ids_.contains(output) || !producer.emplace(output, i).second)
          fail("'" + output + "' is defined twice");
      }
    }
    std::vector<std::vector<std::size_t>> readers(nodes_.size());
    std::vector<std::size_t> waits_for(nodes_.size(), 0);
    std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
    std::size_t count = 0;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].op_type.empty()) continue;
      ++count;
      for (const auto* awaited : {&nodes_[i].inputs, &nodes_[i].conditions}) {
        for (const std::string& value : *awaited) {
          if (value.empty() || ids_.contains(value)) continue;
          const auto found = producer.find(value);
          if (found == producer.end())
            fail(nodes_[i].describe() + " reads '" + value + "', which nothing computes");
          readers[found->second].push_back(i);
          ++waits_for[i];
        }
      }
      if (waits_for[i] == 0) ready.push(i);
    }
    std::vector<std::size_t> order;
    while (!ready.empty()) {
      const std::size_t next = ready.top();
      ready.pop();
      order.push_back(next);
      for (const std::size_t reader : readers[next]) {
        if (--waits_for[reader] == 0) ready.push(reader);
      }
    }
    if (order.size() == count) return order;
    const auto stuck = std::find_if(waits_for.begin(), waits_for.end(), [](std::size_t n) { return n > 0; });
    fail(nodes_[static_cast<std::size_t>(stuck - waits_for.begin())].describe() +
         " depends on its own output");
  }

  /// True where the operator is one of ours; otherwise says what it is.
  static bool is_known(const OnnxNodeMessage& node, OnnxRefusals& refusals) {
    if (node.domain == "com.microsoft" && is_microsoft_operator(node.op_type)) return true;
    if (OnnxDequantizer::knows(node.domain, node.op_type)) return true;
    if (!node.domain.empty() && node.domain != "ai.onnx") {
      refusals.add(node.describe() + " is of the domain '" + node.domain + "'");
      return false;
    }
    if (!find_onnx_op(node.op_type) && !is_upgraded_away(node.op_type)) {
      const bool is_loop = node.op_type == "Loop" || node.op_type == "Scan";
      if (!is_loop) refusals.add_operator(node.op_type, node.describe());  // a loop's subgraph has told
      return false;
    }
    return true;
  }

  /// An upgraded node has as many inputs as its operator takes.
  static void check_inputs(const OnnxNode& node, const OnnxNodeMessage& message) {
    const OnnxOp* op = find_onnx_op(node.op_type);
    if (!op) return;
    const auto given = static_cast<std::size_t>(
        std::count_if(node.inputs.begin(), node.inputs.end(), [](OnnxValueId id) { return id.exists(); }));
    for (std::size_t i = 0; i < op->inputs.fewest; ++i) {
      if (i < node.inputs.size() && node.inputs[i].exists()) continue;
      fail(message.describe() + " lacks its input " + std::to_string(i));
    }
    if (given > op->inputs.most) {
      fail(message.describe() + " has " + std::to_string(given) + " inputs, but takes " +
           std::to_string(op->inputs.most));
    }
  }

  void append(OnnxNodeMessage& message) {
    OnnxRefusals own;  // of a branch, which may not be taken
    OnnxRefusals& refusals = message.conditions.empty() ? refusals_ : own;
    const bool known = message.refusals.empty() && is_known(message, refusals);
    const bool is_foreign = !known && !message.domain.empty() && message.domain != "ai.onnx";
    OnnxNode node{is_foreign ? message.domain + "." + message.op_type : message.op_type,
                  message.name,
                  {},
                  {},
                  std::move(message.attributes)};
    for (const std::string& input : message.inputs) {
      node.inputs.push_back(input.empty() ? OnnxValueId{} : ids_.at(input));
    }
    for (const std::string& output : message.outputs) {
      node.outputs.push_back(output.empty() ? OnnxValueId{}
                                            : define(output, {output, std::nullopt, std::nullopt}));
    }
    if (known) {
      if (node.inputs.empty() || !node.inputs[0].exists()) fail(message.describe() + " has no input");
      OnnxUpgrade upgrade{emitter_, opset_, message.describe(), refusals, {}};
      if (OnnxDequantizer::knows(message.domain, message.op_type)) {
        dequantizer_.take_apart(node, upgrade);
      } else if (message.domain == "com.microsoft") {
        replace_microsoft_operator(node, upgrade);
      } else {
        dequantizer_.follow(node, upgrade);
        upgrade_onnx_node(node, upgrade);
      }
      if (own.all().empty()) {
        check_inputs(node, message);
      } else {
        node.op_type = own.all().front();  // which no operator is called: lowering refuses it
      }
      graph_.append(std::move(node));
      for (OnnxNode& behind : upgrade.behind) graph_.append(std::move(behind));
    } else {
      if (!message.refusals.empty()) node.op_type = message.refusals.front();
      graph_.append(std::move(node));
    }
  }

  void set_outputs(const std::vector<std::string>& names) {
    std::vector<OnnxValueId> outputs;
    std::unordered_set<std::string_view> listed;
    for (const std::string& name : names) {
      const auto found = ids_.find(name);
      if (found == ids_.end()) fail("output '" + name + "' is never computed");
      if (!listed.insert(name).second) fail("output '" + name + "' is listed twice");
      outputs.push_back(found->second);
    }
    if (outputs.empty()) fail("the graph has no outputs");
    graph_.set_outputs(std::move(outputs));
  }

  OnnxFlattener& flattener_;
  OnnxDequantizer dequantizer_;
  std::int64_t opset_;
  OnnxTensorSource& source_;
  OnnxRefusals& refusals_;
  OnnxEmitter emitter_;
  OnnxGraph& graph_ = emitter_.graph();
  std::vector<OnnxNodeMessage>& nodes_ = flattener_.nodes;
  std::unordered_map<std::string, OnnxValueId> ids_;
};

}  // namespace

OnnxGraph build_onnx_graph(data_view view, const std::vector<data_view>& functions, std::int64_t opset,
                           OnnxTensorSource& source, OnnxRefusals& refusals,
                           std::size_t& quantized_operators) {
  OnnxFlattener flattener(functions, source, refusals);
  Builder builder(flattener, opset, source, refusals);
  OnnxGraph graph = builder.build(read_onnx_graph_message(view));
  quantized_operators = builder.quantized_operators();
  return graph;
}

}  // namespace calib8
