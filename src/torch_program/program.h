#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "onnx_graph/onnx_graph.h"

/// A program that torch.export.save wrote, as its JSON says it (schema 8 of torch/_export/serde/schema.py).
/// Names refer to values; nothing is checked against shapes or weights yet.
namespace calib8 {

struct ProgramGraph;

/// The name of a value that is a tensor.
struct TensorNamed {
  std::string name;
};
/// The name of a value that is a number: a size, or what is computed from sizes.
struct SymbolNamed {
  std::string name;
};
/// A torch.dtype by its number in the schema.
struct ScalarTypeNumber {
  std::int64_t number = 0;
};

struct ProgramArgument;
using ProgramArguments = std::vector<ProgramArgument>;

/// What an operator is given, or gives out. None, and what has no meaning for the values (devices, layouts,
/// memory formats), is std::monostate.
struct ProgramArgument {
  std::variant<std::monostate, TensorNamed, SymbolNamed, bool, std::int64_t, double, std::string,
               ScalarTypeNumber, ProgramArguments, std::shared_ptr<const ProgramGraph>>
      value;

  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&value);
  }
  bool is_none() const { return std::holds_alternative<std::monostate>(value); }
};

/// What the file says of a tensor.
struct ProgramType {
  std::int64_t dtype_number = 0;  ///< In the schema.
  std::optional<DType> dtype;     ///< Nothing where it is none that calib8 knows.
  std::vector<Dimension> sizes, strides;
  Dimension offset;  ///< Elements.
};

struct ProgramNode {
  std::string target;         ///< "torch.ops.aten.conv2d.default"
  std::string operator_name;  ///< "aten.conv2d", or the target where it has no overload.
  std::string overload;       ///< "default"
  std::string name;           ///< That of its first output, or of the operator where it has none.
  std::string module;         ///< Where it was called: "features.0.1"; empty where nothing says it.
  std::vector<std::pair<std::string, ProgramArgument>> inputs;  ///< By the schema's names.
  ProgramArguments outputs;
};

struct ProgramGraph {
  ProgramArguments inputs, outputs;
  std::vector<ProgramNode> nodes;  ///< In execution order.
  std::unordered_map<std::string, ProgramType> types;
};

/// What an input of the graph stands for.
struct ProgramInput {
  enum class Kind { parameter, buffer, constant, user };
  Kind kind = Kind::user;
  std::string value;   ///< Its name in the graph.
  std::string tensor;  ///< The weight's or constant's name; empty for the user's.
};

struct Program {
  ProgramGraph graph;
  std::vector<ProgramInput> inputs;
  ProgramArguments outputs;               ///< The user's; tensors and literals.
  std::vector<std::string> output_names;  ///< The keys of a dict of them; empty where there are none.
  /// Smallest and largest size of a symbol.
  std::map<std::string, std::pair<std::optional<std::int64_t>, std::optional<std::int64_t>>> ranges;
};

/// The type behind a number of the schema; nothing where calib8 has none.
std::optional<DType> dtype_of_program(std::int64_t number);

/// The name of that type, for people: "complex64", "float8_e4m3fn", or its number.
std::string program_type_name(std::int64_t number);

}  // namespace calib8
