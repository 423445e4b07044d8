#include "torch_program/program_builder.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "base/interrupt.h"
#include "base/text.h"
#include "calib8/error.h"
#include "ops/infer_node.h"
#include "torch_program/in_place.h"
#include "torch_program/operator_call.h"
#include "torch_program/operator_rows.h"

namespace calib8 {
namespace {

// A file may say any number.
constexpr std::size_t most_nodes = 2'000'000;

bool is_graph_call(const ProgramNode& node) {
  return node.operator_name == "higher_order.wrap_with_autocast" ||
         node.operator_name == "higher_order.wrap_with_set_grad_enabled";
}

/// Calls `visit` with the names of tensors and numbers in an argument.
template <class Visit>
void for_each_name(const ProgramArgument& argument, const Visit& visit) {
  if (const auto* tensor = argument.get_if<TensorNamed>()) visit(tensor->name);
  if (const auto* symbol = argument.get_if<SymbolNamed>()) visit(symbol->name);
  if (const auto* several = argument.get_if<ProgramArguments>()) {
    for (const ProgramArgument& item : *several) for_each_name(item, visit);
  }
}

/// The names that a node gives out, "" for None.
std::vector<std::string> names_in(const ProgramArguments& arguments) {
  std::vector<std::string> names;
  for (const ProgramArgument& argument : arguments) {
    const std::size_t before = names.size();
    for_each_name(argument, [&](const std::string& name) { names.push_back(name); });
    if (names.size() == before && argument.is_none()) names.emplace_back();
  }
  return names;
}

const std::string* first_tensor(const ProgramNode& node) {
  for (const auto& [name, argument] : node.inputs) {
    if (const auto* tensor = argument.get_if<TensorNamed>()) return &tensor->name;
  }
  return nullptr;
}

}  // namespace

ProgramBuilder::ProgramBuilder(const Program& program, Load load, std::string where)
    : program_(program), load_(std::move(load)), where_(std::move(where)) {}

void ProgramBuilder::fail(const ProgramNode& node, const std::string& what) const {
  std::string named = "node " + printable(node.name) + " (" + one_line(node.operator_name, 100);
  if (!node.module.empty()) named += " in " + one_line(node.module, 100);
  throw Error(ErrorCode::model, named + ") " + what, where_);
}

void ProgramBuilder::count_node(const ProgramNode& node) {
  if (++nodes_ > most_nodes) fail(node, "makes the network larger than any");
}

const ProgramType* ProgramBuilder::type_of(const std::string& name) const {
  for (auto graph = graphs_.rbegin(); graph != graphs_.rend(); ++graph) {
    const auto found = (*graph)->types.find(name);
    if (found != (*graph)->types.end()) return &found->second;
  }
  return nullptr;
}

Scalar ProgramBuilder::symbol(const std::string& name) const {
  const auto found = symbols_.find(name);
  if (found == symbols_.end())
    throw Error(ErrorCode::model, "the number " + printable(name) + " is used before anything gives it",
                where_);
  return found->second;
}

Values ProgramBuilder::call(const ProgramNode& node, const OperatorRow& row) {
  OperatorCall call(*this, node);
  if (row.one) return {row.one(call)};
  return row.several(call);
}

void ProgramBuilder::check_type(const ProgramNode& node, const std::string& name, OnnxValueId value) const {
  const ProgramType* said = type_of(name);
  const auto& type = emitter_.graph()[value].type;
  if (!said || !type || !type->is_static()) return;
  const Shape shape = type->static_shape();
  bool agrees = said->sizes.size() == shape.size();
  for (std::size_t i = 0; agrees && i < shape.size(); ++i)
    agrees = !said->sizes[i].is_known() || said->sizes[i].size == shape[i];
  if (!agrees) {
    Shape claimed;
    for (const Dimension& size : said->sizes) claimed.push_back(size.size);
    fail(node, "gives " + to_string(shape) + " where the file says " + to_string(claimed) +
                   ": the file is damaged, get it anew");
  }
  if (!said->dtype)
    fail(node, "gives " + program_type_name(said->dtype_number) + ", which calib8 doesn't compute with");
  const DType wanted = is_floating(*said->dtype) ? DType::float32 : *said->dtype;
  if (wanted != type->dtype)
    fail(node, "gives " + std::string(name_of(type->dtype)) + " where the file says " +
                   std::string(name_of(wanted)) + ": the file is damaged, get it anew");
}

void ProgramBuilder::bind_outputs(const ProgramNode& node, const OperatorRow& row, const Values& values) {
  const std::vector<std::string> names = names_in(node.outputs);
  if (values.size() != names.size())
    fail(node, "gives " + std::to_string(values.size()) + " values, and the file names " +
                   std::to_string(names.size()) + ": the file is damaged, get it anew");
  const std::string* source = row.sharing == Sharing::none ? nullptr : first_tensor(node);
  const std::size_t parent = source ? binding_of(*source) : none;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (values[i].exists() && !names[i].empty()) check_type(node, names[i], values[i]);
    if (parent != none && row.sharing == Sharing::same) {
      give_name(names[i], parent);
      continue;
    }
    Binding binding{values[i],
                    parent == none ? add_storage() : bindings_[parent].storage,
                    0,
                    parent,
                    parent == none ? nullptr : &node,
                    i,
                    nullptr};
    binding.version = storages_[binding.storage].version;
    bind(names[i], binding);
  }
}

void ProgramBuilder::run_in_place(const ProgramNode& node, const OperatorRow& row) {
  const std::string* self = first_tensor(node);
  const std::vector<std::string> names = names_in(node.outputs);
  if (!self || row.sharing == Sharing::view || row.sharing == Sharing::unclear || names.size() > 1)
    fail(node, unfollowed("changes in place what calib8 doesn't follow"));
  const std::size_t binding = binding_of(*self);
  const OnnxValueId before = read(*self);
  if (row.sharing != Sharing::same) {
    const Values values = call(node, row);
    OperatorCall fit(*this, node);
    write(node, binding, fit.expand(fit.cast(values.at(0), fit.dtype(before)), fit.shape(before)));
  }
  if (!names.empty() && !names[0].empty()) give_name(names[0], binding);
}

bool ProgramBuilder::run_symbolic(const ProgramNode& node) {
  const bool gives_number = node.outputs.size() == 1 && !node.outputs[0].get_if<TensorNamed>() &&
                            !node.outputs[0].get_if<ProgramArguments>();
  if (!gives_number) return false;
  const auto* name = node.outputs[0].get_if<SymbolNamed>();
  if (!name) return node.outputs[0].is_none();
  const OperatorCall arguments(*this, node);
  if (node.operator_name == "aten.sym_size") {
    OperatorCall call(*this, node);
    const Shape shape = call.shape(call.tensor("self"));
    symbols_[name->name] = shape[call.axis(call.integer("dim"), shape.size())];
    return true;
  }
  std::vector<Scalar> numbers;
  for (const auto& [key, argument] : node.inputs) {
    const auto number = arguments.scalar(key);
    if (!number) fail(node, "computes a size of what is no number");
    numbers.push_back(*number);
  }
  const auto result = evaluate_symbolic(node.operator_name, numbers);
  if (!result)
    fail(node,
         "makes a number that calib8 can't tell before the model runs: export the model with fixed sizes");
  symbols_[name->name] = *result;
  return true;
}

bool ProgramBuilder::run_graph_call(const ProgramNode& node) {
  if (!is_graph_call(node)) return false;
  const auto held = std::ranges::find_if(node.inputs, [](const auto& input) {
    return input.second.template get_if<std::shared_ptr<const ProgramGraph>>() != nullptr;
  });
  if (held == node.inputs.end())
    fail(node, "runs a graph that isn't there: the file is damaged, get it anew");
  const ProgramGraph& graph = **held->second.get_if<std::shared_ptr<const ProgramGraph>>();
  const std::size_t first = static_cast<std::size_t>(held - node.inputs.begin()) + 1;
  if (node.inputs.size() - first != graph.inputs.size())
    fail(node, "runs a graph with other inputs than it takes: the file is damaged, get it anew");
  Scope scope;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const ProgramArgument& given = node.inputs[first + i].second;
    const auto* outer = given.get_if<TensorNamed>();
    const auto* inner = graph.inputs[i].get_if<TensorNamed>();
    const auto* size = graph.inputs[i].get_if<SymbolNamed>();
    if (outer && inner) {
      scope.emplace(inner->name, binding_of(outer->name));
    } else if (size) {
      const auto value = OperatorCall(*this, node).scalar(node.inputs[first + i].first);
      if (given.get_if<SymbolNamed>())
        symbols_[size->name] = symbol(given.get_if<SymbolNamed>()->name);
      else if (value)
        symbols_[size->name] = *value;
    }
  }
  scopes_.push_back(std::move(scope));
  graphs_.push_back(&graph);
  run(graph);
  std::vector<std::size_t> given_out;
  for (const std::string& name : names_in(graph.outputs)) given_out.push_back(binding_of(name));
  graphs_.pop_back();
  scopes_.pop_back();
  const std::vector<std::string> names = names_in(node.outputs);
  if (names.size() != given_out.size())
    fail(node, "gives other outputs than its graph: the file is damaged, get it anew");
  for (std::size_t i = 0; i < names.size(); ++i) scopes_.back().emplace(names[i], given_out[i]);
  return true;
}

void ProgramBuilder::run(const ProgramNode& node) {
  throw_if_interrupted();
  if (run_graph_call(node) || run_symbolic(node)) return;
  const OperatorRow* row = row_of(node);
  if (!row) return;  // nobody reads it
  if (is_in_place(node) && !find_operator(node.operator_name)) return run_in_place(node, *row);
  bind_outputs(node, *row, call(node, *row));
}

/// Runs what the outputs need, and what writes in place.
void ProgramBuilder::run(const ProgramGraph& graph) {
  std::unordered_set<std::string> needed;
  const auto need = [&](const std::string& name) { needed.insert(name); };
  for (const ProgramArgument& output : graph.outputs) for_each_name(output, need);
  std::vector<const ProgramNode*> live;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    bool is_needed = is_in_place(*node) || is_graph_call(*node);
    for (const ProgramArgument& output : node->outputs)
      for_each_name(output, [&](const std::string& name) { is_needed |= needed.contains(name); });
    if (!is_needed) continue;
    live.push_back(&*node);
    for (const auto& [name, argument] : node->inputs) for_each_name(argument, need);
  }
  std::ranges::reverse(live);
  refuse_unknown(live);
  for (const ProgramNode* node : live) run(*node);
}

void ProgramBuilder::refuse_unknown(const std::vector<const ProgramNode*>& nodes) const {
  std::set<std::string> unknown;
  const ProgramNode* first = nullptr;
  for (const ProgramNode* node : nodes) {
    const bool gives_number = !node->outputs.empty() && node->outputs[0].get_if<SymbolNamed>();
    if (row_of(*node) || is_graph_call(*node) || gives_number) continue;
    if (!first) first = node;
    unknown.insert(one_line(node->operator_name, 100));
  }
  if (!first) return;
  std::string names;
  for (const std::string& name : unknown) names += (names.empty() ? "" : ", ") + name;
  const std::string first_place = "first in node " + printable(first->name);
  throw Error(ErrorCode::model,
              "the program uses operators that calib8 doesn't convert: " + names + " (" + first_place +
                  "): export the model without them, or to ONNX with torch.onnx.export",
              where_);
}

void ProgramBuilder::set_outputs() {
  OnnxGraph& graph = emitter_.graph();
  std::vector<std::string> names;
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i < program_.outputs.size(); ++i) {
    const auto* tensor = program_.outputs[i].get_if<TensorNamed>();
    if (!tensor) continue;  // a number or None, the same whatever goes in
    names.push_back(tensor->name);
    wanted.push_back(i < program_.output_names.size() ? program_.output_names[i]
                                                      : "output" + std::to_string(i));
  }
  if (names.empty()) throw Error(ErrorCode::model, "the program gives out no tensor", where_);
  if (names.size() == 1 && program_.output_names.empty()) wanted[0] = "output";
  Values values;
  for (std::size_t i = 0; i < names.size(); ++i) {
    OnnxValueId value = read(names[i]);
    const bool again = std::ranges::find(values, value) != values.end();
    if (!graph.producer(value).exists() || again) {
      value = emitter_.emit("Identity", wanted[i], {value});
      infer_types(graph, graph.producer(value));
    }
    values.push_back(value);
  }
  for (std::size_t i = 0; i < values.size(); ++i) graph[values[i]].name = graph.free_name(wanted[i]);
  graph.set_outputs(std::move(values));
}

OnnxGraph ProgramBuilder::build(const std::vector<std::pair<std::string, OnnxType>>& inputs) {
  scopes_.emplace_back();
  graphs_.push_back(&program_.graph);
  for (const ProgramInput& input : program_.inputs) {
    if (input.kind != ProgramInput::Kind::user)
      bind(input.value, {OnnxValueId{}, add_storage(&input), 0, none, nullptr, 0, &input});
  }
  for (const auto& [name, type] : inputs)
    bind(name, {emitter_.input(name, type), add_storage(), 0, none, nullptr, 0, nullptr});
  run(program_.graph);
  set_outputs();
  return emitter_.take();
}

}  // namespace calib8
