#include "read/onnx/onnx_functions.h"

#include <algorithm>
#include <protozero/pbf_message.hpp>

#include "container/protobuf_onnx.h"
#include "read/onnx/onnx_name.h"

namespace calib8 {
namespace {

namespace proto = onnx_proto;
using protozero::data_view;
using protozero::tag_and_type;

constexpr auto bytes = protozero::pbf_wire_type::length_delimited;

/// A hostile file may let functions call each other twice, each time, and so on.
constexpr int deepest_calls = 16;
constexpr std::size_t most_nodes = 1'000'000;

std::string domain_of(const std::string& domain) {
  return domain == "ai.onnx" ? "" : domain;
}

/// What a name within the function is for its caller.
class Names {
 public:
  Names(const OnnxNodeMessage& caller, const std::vector<std::string>& inputs,
        const std::vector<std::string>& outputs, std::size_t call)
      : prefix_((caller.outputs.empty() ? caller.name : caller.outputs[0]) + "/" + std::to_string(call)) {
    for (std::size_t i = 0; i < inputs.size(); ++i)
      names_[inputs[i]] = i < caller.inputs.size() ? caller.inputs[i] : "";
    for (std::size_t i = 0; i < outputs.size() && i < caller.outputs.size(); ++i) {
      // What a function only passes on keeps its caller's name on the way in.
      if (!caller.outputs[i].empty() && !names_.emplace(outputs[i], caller.outputs[i]).second)
        passed_on_.emplace_back(names_[outputs[i]], caller.outputs[i]);
    }
  }

  std::string of(const std::string& name) {
    if (name.empty()) return name;
    return names_.try_emplace(name, prefix_ + "/" + name).first->second;
  }
  const std::vector<std::pair<std::string, std::string>>& passed_on() const { return passed_on_; }

 private:
  std::string prefix_;
  std::map<std::string, std::string> names_;
  std::vector<std::pair<std::string, std::string>> passed_on_;
};

}  // namespace

OnnxFunctions::OnnxFunctions(const std::vector<data_view>& messages) {
  for (const data_view view : messages) {
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

void OnnxFunctions::expand(OnnxNodeMessage node, OnnxTensorSource& source, OnnxRefusals& refusals,
                           std::vector<OnnxNodeMessage>& into) {
  expand(std::move(node), source, refusals, into, 0);
}

void OnnxFunctions::expand(OnnxNodeMessage node, OnnxTensorSource& source, OnnxRefusals& refusals,
                           std::vector<OnnxNodeMessage>& into, int depth) {
  const auto found = functions_.find({domain_of(node.domain), node.op_type});
  if (found == functions_.end()) {
    into.push_back(std::move(node));
    return;
  }
  const Function& function = found->second;
  if (depth == deepest_calls || into.size() > most_nodes)
    throw Error(ErrorCode::model, node.describe() + " calls functions without end");
  read_onnx_defaults(node, function.defaults, source, refusals);
  Names names(node, function.inputs, function.outputs, ++calls_);
  for (std::size_t i = 0; i < function.nodes.size(); ++i) {
    OnnxNodeMessage inner =
        read_onnx_node(function.nodes[i], node.position, source, refusals, &node.attributes);
    for (std::string& input : inner.inputs) input = names.of(input);
    for (std::string& output : inner.outputs) output = names.of(output);
    if (!node.name.empty()) inner.name = node.name + "/" + (inner.name.empty() ? inner.op_type : inner.name);
    expand(std::move(inner), source, refusals, into, depth + 1);
  }
  for (const auto& [from, to] : names.passed_on()) {
    OnnxNodeMessage identity;
    identity.position = node.position;
    identity.op_type = "Identity";
    identity.name = node.name;
    identity.inputs = {from};
    identity.outputs = {to};
    into.push_back(std::move(identity));
  }
}

}  // namespace calib8
