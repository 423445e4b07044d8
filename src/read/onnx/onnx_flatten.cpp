#include "read/onnx/onnx_flatten.h"

#include <algorithm>
#include <protozero/pbf_message.hpp>

#include "container/protobuf_onnx.h"
#include "read/onnx/onnx_graph_message.h"
#include "read/onnx/onnx_name.h"
#include "read/onnx/onnx_value_info.h"

namespace calib8 {
namespace {

namespace proto = onnx_proto;
using protozero::data_view;
using protozero::tag_and_type;

constexpr auto bytes = protozero::pbf_wire_type::length_delimited;

/// A hostile file may let functions call each other twice, each time, and so on.
constexpr int deepest = 16;
constexpr std::size_t most_nodes = 1'000'000;

std::string domain_of(const std::string& domain) {
  return domain == "ai.onnx" ? "" : domain;
}

OnnxNodeMessage identity(const OnnxNodeMessage& like, const std::string& from, const std::string& to) {
  OnnxNodeMessage node;
  node.position = like.position;
  node.op_type = "Identity";
  node.name = like.name;
  node.inputs = {from};
  node.outputs = {to};
  node.conditions = like.conditions;
  return node;
}

}  // namespace

/// What the names in a body of nodes are in the one list, and what else its nodes have of where they stand.
class OnnxFlattener::Scope {
 public:
  /// The model's own nodes.
  Scope() = default;

  /// The body of something that stands in `outer`, which outlives it. A branch sees the names of `outer`, a
  /// function doesn't.
  Scope(const Scope& outer, const OnnxNodeMessage& node, std::size_t number, bool sees_outer)
      : outer_(sees_outer ? &outer : nullptr),
        prefix_((node.outputs.empty() ? node.name : node.outputs[0]) + "/" + std::to_string(number)),
        depth_(outer.depth_ + 1),
        conditions_(outer.conditions_) {
    if (depth_ > deepest || number > most_nodes)
      throw Error(ErrorCode::model, node.describe() + " nests functions or branches without end");
    if (sees_outer) attributes = outer.attributes;
  }

  /// A name of the body's own. True where it is a new one.
  bool define(const std::string& name) { return name.empty() || bind(name, prefix_ + "/" + name); }
  /// A name of the body that means `outside`, a name of the one list. True where it is a new one.
  bool bind(const std::string& name, const std::string& outside) {
    return names_.try_emplace(name, outside).second;
  }
  void wait_for(const std::string& condition) { conditions_.push_back(condition); }

  std::string of(const std::string& name) const {
    if (name.empty()) return name;
    const auto found = names_.find(name);
    if (found != names_.end()) return found->second;
    if (outer_) return outer_->of(name);
    return prefix_.empty() ? name : prefix_ + "/" + name;
  }

  OnnxNodeMessage read(data_view message, std::size_t position, OnnxTensorSource& source,
                       OnnxRefusals& refusals) const {
    OnnxRefusals own;
    OnnxNodeMessage node =
        read_onnx_node(message, position, source, conditions_.empty() ? refusals : own, attributes);
    node.conditions = conditions_;
    node.refusals = own.all();
    return node;
  }

  const std::map<std::string, OnnxAttribute>* attributes = nullptr;  ///< Of the function's caller.

 private:
  const Scope* outer_ = nullptr;
  std::string prefix_;
  std::map<std::string, std::string> names_;
  int depth_ = 0;
  std::vector<std::string> conditions_;
};

OnnxFlattener::OnnxFlattener(const std::vector<data_view>& functions, OnnxTensorSource& source,
                             OnnxRefusals& refusals)
    : source_(source), refusals_(refusals) {
  for (const data_view view : functions) {
    Function function;
    std::string name, domain;
    protozero::pbf_message<proto::Function> message(view);
    while (message.next()) {
      switch (message.tag_and_type()) {
        case tag_and_type(proto::Function::name, bytes):
          name = read_onnx_name(message.get_view());
          break;
        case tag_and_type(proto::Function::input, bytes):
          function.inputs.push_back(read_onnx_name(message.get_view()));
          break;
        case tag_and_type(proto::Function::output, bytes):
          function.outputs.push_back(read_onnx_name(message.get_view()));
          break;
        case tag_and_type(proto::Function::node, bytes):
          function.nodes.push_back(message.get_view());
          break;
        case tag_and_type(proto::Function::domain, bytes):
          domain = read_onnx_name(message.get_view());
          break;
        case tag_and_type(proto::Function::attribute_value, bytes):
          function.defaults.push_back(message.get_view());
          break;
        default:
          message.skip();
      }
    }
    functions_.emplace(std::pair{domain_of(domain), name}, std::move(function));
  }
}

void OnnxFlattener::add(data_view message, std::size_t position) {
  const Scope whole;
  add(whole.read(message, position, source_, refusals_), whole);
}

/// `node` has the names of its scope; its subgraphs, which are read later, too.
void OnnxFlattener::add(OnnxNodeMessage node, const Scope& scope) {
  if (nodes.size() > most_nodes)
    throw Error(ErrorCode::model, node.describe() + " nests functions or branches without end");
  for (std::string& input : node.inputs) input = scope.of(input);
  for (std::string& output : node.outputs) output = scope.of(output);
  const auto function = functions_.find({domain_of(node.domain), node.op_type});
  if (function != functions_.end()) {
    call(std::move(node), function->second, scope);
  } else if (node.op_type == "If" && domain_of(node.domain).empty()) {
    join_branches(std::move(node), scope);
  } else {
    if (!node.subgraphs.empty()) {
      const std::string refusal =
          node.describe() +
          " runs a subgraph again and again, which calib8 doesn't convert (export the "
          "model for a fixed length, without loops)";
      if (node.conditions.empty()) {
        refusals_.add(refusal);
      } else {
        node.refusals.push_back(refusal);
      }
    }
    node.subgraphs.clear();
    nodes.push_back(std::move(node));
  }
}

void OnnxFlattener::call(OnnxNodeMessage node, const Function& function, const Scope& scope) {
  read_onnx_defaults(node, function.defaults, source_, refusals_);
  Scope body(scope, node, ++scopes_, false);
  body.attributes = &node.attributes;
  for (std::size_t i = 0; i < function.inputs.size(); ++i)
    body.bind(function.inputs[i], i < node.inputs.size() ? node.inputs[i] : "");
  std::vector<std::pair<std::string, std::string>> passed_on;
  for (std::size_t i = 0; i < function.outputs.size() && i < node.outputs.size(); ++i) {
    // What a function only passes on keeps its caller's name on the way in.
    const std::string &inside = function.outputs[i], &outside = node.outputs[i];
    if (!outside.empty() && !body.bind(inside, outside)) passed_on.emplace_back(body.of(inside), outside);
  }
  for (const data_view message : function.nodes) {
    OnnxNodeMessage inner = body.read(message, node.position, source_, refusals_);
    if (!node.name.empty()) inner.name = node.name + "/" + (inner.name.empty() ? inner.op_type : inner.name);
    add(std::move(inner), body);
  }
  for (const auto& [from, to] : passed_on) nodes.push_back(identity(node, from, to));
}

void OnnxFlattener::join_branches(OnnxNodeMessage node, const Scope& scope) {
  if (node.inputs.size() != 1 || node.inputs[0].empty())
    throw Error(ErrorCode::model, node.describe() + " has no condition");
  for (const char* name : {"then_branch", "else_branch"}) {
    const auto branch = node.subgraphs.find(name);
    if (branch == node.subgraphs.end()) throw Error(ErrorCode::model, node.describe() + " has no " + name);
    const std::vector<std::string> outputs = add_branch(node, branch->second, scope);
    if (outputs.size() != node.outputs.size()) {
      throw Error(ErrorCode::model, node.describe() + " has " + std::to_string(node.outputs.size()) +
                                        " outputs, and its " + name + " " + std::to_string(outputs.size()));
    }
    node.inputs.insert(node.inputs.end(), outputs.begin(), outputs.end());
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i].empty())
      node.outputs[i] = node.inputs[1 + i] + "/" + std::to_string(++scopes_) + "/unread";
  }
  node.subgraphs.clear();
  nodes.push_back(std::move(node));
}

/// Appends the branch's nodes, and returns what its outputs are called.
std::vector<std::string> OnnxFlattener::add_branch(const OnnxNodeMessage& node, data_view branch,
                                                   const Scope& scope) {
  Scope body(scope, node, ++scopes_, true);
  body.wait_for(node.inputs[0]);
  const OnnxGraphMessage graph = read_onnx_graph_message(branch);
  if (!graph.inputs.empty()) throw Error(ErrorCode::model, node.describe() + " has a branch with inputs");
  if (graph.sparse_initializers > 0) refusals_.add("sparse initializers in a branch of " + node.describe());
  const auto define = [&](const std::string& name) {
    if (!body.define(name)) throw Error(ErrorCode::model, "'" + name + "' is defined twice");
  };
  for (const data_view message : graph.initializers) {
    OnnxTensor read = read_onnx_tensor(message, source_);
    define(read.name);
    read.name = body.of(read.name);
    initializers.push_back(std::move(read));
  }
  std::vector<OnnxNodeMessage> inner;
  for (const data_view message : graph.nodes) {
    inner.push_back(body.read(message, node.position, source_, refusals_));
    for (const std::string& output : inner.back().outputs) define(output);
  }
  for (OnnxNodeMessage& each : inner) add(std::move(each), body);
  std::vector<std::string> outputs;
  for (const data_view message : graph.outputs)
    outputs.push_back(body.of(read_onnx_value_info(message).name));
  return outputs;
}

}  // namespace calib8
