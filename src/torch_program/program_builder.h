#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "onnx_graph/emitter.h"
#include "torch_program/program.h"

namespace calib8 {

using Values = std::vector<OnnxValueId>;
using Integers = std::vector<std::int64_t>;
/// A Python number.
using Scalar = std::variant<bool, std::int64_t, double>;

struct OperatorRow;

/// Runs a program's nodes in their order, and writes what each computes as nodes of an OnnxGraph.
///
/// Tensors in PyTorch may share their elements: a view and what it looks at, the argument of an in-place
/// operator and all of its views. So a value's name stands for elements that may be written anew; whoever
/// reads the name gets the newest. A value that was a view of what has changed is made again from it. Where
/// that can't be told (reshape() shares elements or copies them, as memory has it), reading the value is
/// refused.
class ProgramBuilder {
 public:
  /// Loads the constant behind an input of the graph when it is first read.
  using Load = std::function<Tensor(const ProgramInput&)>;

  ProgramBuilder(const Program& program, Load load, std::string where);

  /// Makes the graph. `inputs` are the user's, with all sizes known. Fails with ErrorCode::model, naming the
  /// node.
  OnnxGraph build(const std::vector<std::pair<std::string, OnnxType>>& inputs);

  // What calls (operator_call.h) ask.

  /// The newest value of that name.
  OnnxValueId read(const std::string& name);
  Scalar symbol(const std::string& name) const;
  const ProgramType* type_of(const std::string& name) const;
  OnnxEmitter& emitter() { return emitter_; }
  const OnnxEmitter& emitter() const { return emitter_; }
  [[noreturn]] void fail(const ProgramNode& node, const std::string& what) const;
  /// Counts what is made: a file may ask for any number.
  void count_node(const ProgramNode& node);

 private:
  static constexpr std::size_t none = ~std::size_t{0};

  /// What a name stands for.
  struct Binding {
    OnnxValueId value;
    std::size_t storage = none;           ///< Those that share elements have the same.
    std::size_t version = 0;              ///< Of the storage, that `value` is of.
    std::size_t parent = none;            ///< What it is a view of, or the same as.
    const ProgramNode* view = nullptr;    ///< The node that made it of its parent.
    std::size_t part = 0;                 ///< Which of that node's outputs it is.
    const ProgramInput* input = nullptr;  ///< What isn't loaded yet.
  };
  struct Storage {
    std::size_t version = 0;
    std::string changed_by;  ///< The last node that wrote it.
    const ProgramInput* input = nullptr;
  };
  using Scope = std::unordered_map<std::string, std::size_t>;

  std::size_t binding_of(const std::string& name) const;
  std::size_t add_storage(const ProgramInput* input = nullptr);
  /// Fails where another node of the graph gives that name.
  void give_name(const std::string& name, std::size_t binding);
  void bind(const std::string& name, Binding binding);
  OnnxValueId value_of(std::size_t binding);
  void write(const ProgramNode& node, std::size_t binding, OnnxValueId value);
  void refuse_unknown(const std::vector<const ProgramNode*>& nodes) const;
  void run(const ProgramGraph& graph);
  void run(const ProgramNode& node);
  void run_in_place(const ProgramNode& node, const OperatorRow& row);
  bool run_symbolic(const ProgramNode& node);
  bool run_graph_call(const ProgramNode& node);
  Values call(const ProgramNode& node, const OperatorRow& row);
  void bind_outputs(const ProgramNode& node, const OperatorRow& row, const Values& values);
  void check_type(const ProgramNode& node, const std::string& name, OnnxValueId value) const;
  void set_outputs();

  const Program& program_;
  Load load_;
  std::string where_;
  OnnxEmitter emitter_;
  std::vector<Scope> scopes_;
  std::vector<const ProgramGraph*> graphs_;
  std::vector<Binding> bindings_;
  std::vector<Storage> storages_;
  std::unordered_map<std::string, Scalar> symbols_;
  std::size_t nodes_ = 0;
  int replays_ = 0;  ///< Of views, within each other.
};

}  // namespace calib8
