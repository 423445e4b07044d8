#include "torch_program/program_json.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "calib8/error.h"
#include "read/weights/json_file.h"

namespace calib8 {
namespace {

using nlohmann::json;

constexpr std::int64_t read_version = 8;
constexpr std::size_t largest_rank = 64;  // PyTorch's own limit
constexpr int deepest_graph = 8;          // of graphs in graphs

struct ElementType {
  std::int64_t number;
  const char* name;
  std::optional<DType> dtype;
};

// torch/_export/serde/schema.py: ScalarType
constexpr ElementType element_types[] = {
    {1, "uint8", DType::uint8},
    {2, "int8", DType::int8},
    {3, "int16", DType::int16},
    {4, "int32", DType::int32},
    {5, "int64", DType::int64},
    {6, "float16", DType::float16},
    {7, "float32", DType::float32},
    {8, "float64", DType::float64},
    {9, "complex32", std::nullopt},
    {10, "complex64", std::nullopt},
    {11, "complex128", std::nullopt},
    {12, "bool", DType::boolean},
    {13, "bfloat16", DType::bfloat16},
    {28, "uint16", DType::uint16},
    {29, "float8_e4m3fn", std::nullopt},
    {30, "float8_e5m2", std::nullopt},
    {31, "float8_e4m3fnuz", std::nullopt},
    {32, "float8_e5m2fnuz", std::nullopt},
    {33, "float8_e8m0fnu", std::nullopt},
    {34, "uint32", DType::uint32},
    {35, "uint64", DType::uint64},
};

const ElementType* find_type(std::int64_t number) {
  const auto found = std::ranges::find(element_types, number, &ElementType::number);
  return found == std::end(element_types) ? nullptr : found;
}

class ProgramParser {
 public:
  explicit ProgramParser(const std::string& where) : where_(where) {}

  Program parse(const json& root);
  ProgramType type(const json& meta) const;

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw Error(ErrorCode::model, what, where_); }
  [[noreturn]] void fail(const std::string& what) const {
    refuse(what + ": the file is damaged or no program of torch.export.save, get it anew");
  }

  const json& member(const json& object, const char* key) const {
    if (!object.is_object() || !object.contains(key)) fail(std::string("lacks '") + key + "'");
    return object[key];
  }
  const json& list(const json& object, const char* key) const {
    const json& value = member(object, key);
    if (!value.is_array()) fail(std::string("has a '") + key + "' that is no list");
    return value;
  }
  std::string text(const json& object, const char* key) const {
    const json& value = member(object, key);
    if (!value.is_string()) fail(std::string("has a '") + key + "' that is no text");
    return value.get<std::string>();
  }
  std::int64_t integer(const json& value) const {
    if (!value.is_number_integer() ||
        (value.is_number_unsigned() &&
         value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())))
      fail("has something else where a whole number stands");
    return value.get<std::int64_t>();
  }
  double number(const json& value) const;
  Dimension dimension(const json& value) const;
  std::vector<Dimension> dimensions(const json& values) const;
  static std::string symbol_in(const std::string& expression);

  ProgramArgument argument(const json& value) const;
  ProgramArgument symbol(const json& value) const;
  template <class Read>
  ProgramArgument each(const json& values, Read read) const {
    if (!values.is_array()) fail("has something else where a list stands");
    ProgramArguments items;
    for (const json& value : values) items.push_back(read(value));
    return {std::move(items)};
  }
  ProgramArguments arguments(const json& values) const;
  ProgramNode node(const json& value) const;
  ProgramGraph graph(const json& value) const;
  void read_signature(const json& signature, Program& program) const;
  void read_input(const json& spec, Program& program) const;
  void read_output(const json& spec, Program& program) const;
  void read_output_names(const json& module, Program& program) const;
  void read_ranges(const json& ranges, Program& program) const;

  const std::string& where_;
  mutable int graph_depth_ = 0;
};

double ProgramParser::number(const json& value) const {
  if (value.is_number()) return value.get<double>();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
  fail("has something else where a number stands");
}

/// "Symbol('s17', positive=True, integer=True)" -> "s17"; other expressions stay.
std::string ProgramParser::symbol_in(const std::string& expression) {
  constexpr std::string_view start = "Symbol('";
  const std::size_t end = expression.find('\'', start.size());
  const bool is_symbol = expression.starts_with(start) && end != std::string::npos &&
                         expression.find("Symbol", end) == std::string::npos && expression.back() == ')' &&
                         std::ranges::count(expression, '(') == 1;
  return is_symbol ? expression.substr(start.size(), end - start.size()) : expression;
}

Dimension ProgramParser::dimension(const json& value) const {
  if (value.is_object() && value.contains("as_int")) {
    const std::int64_t size = integer(value["as_int"]);
    if (size < 0) fail("has a tensor with a negative size, stride or offset");
    return {size, {}};
  }
  return {-1, symbol_in(text(member(value, "as_expr"), "expr_str"))};
}

std::vector<Dimension> ProgramParser::dimensions(const json& values) const {
  if (!values.is_array() || values.size() > largest_rank) fail("has a tensor of impossible sizes");
  std::vector<Dimension> sizes;
  for (const json& value : values) sizes.push_back(dimension(value));
  return sizes;
}

ProgramType ProgramParser::type(const json& meta) const {
  ProgramType type;
  type.dtype_number = integer(member(meta, "dtype"));
  type.dtype = dtype_of_program(type.dtype_number);
  type.sizes = dimensions(member(meta, "sizes"));
  type.strides = dimensions(member(meta, "strides"));
  type.offset = dimension(member(meta, "storage_offset"));
  constexpr std::int64_t strided = 7;
  if (integer(member(meta, "layout")) != strided) refuse("has a sparse tensor, which calib8 doesn't read");
  return type;
}

ProgramArgument ProgramParser::symbol(const json& value) const {
  if (!value.is_object()) fail("has something else where a size stands");
  if (value.contains("as_name")) return {SymbolNamed{text(value, "as_name")}};
  if (value.contains("as_int")) return {integer(value["as_int"])};
  if (value.contains("as_float")) return {number(value["as_float"])};
  if (value.contains("as_bool") && value["as_bool"].is_boolean()) return {value["as_bool"].get<bool>()};
  fail("has something else where a size stands");
}

ProgramArgument ProgramParser::argument(const json& value) const {
  if (!value.is_object() || value.size() != 1) fail("has an argument of no known kind");
  const std::string& kind = value.begin().key();
  const json& held = value.begin().value();
  const auto tensor = [&](const json& v) { return ProgramArgument{TensorNamed{text(v, "name")}}; };
  if (kind == "as_none" || kind == "as_memory_format" || kind == "as_layout" || kind == "as_device")
    return {};
  if (kind == "as_tensor") return tensor(held);
  if (kind == "as_tensors") return each(held, tensor);
  if (kind == "as_int") return {integer(held)};
  if (kind == "as_float") return {number(held)};
  if (kind == "as_bool" && held.is_boolean()) return {held.get<bool>()};
  if (kind == "as_string" && held.is_string()) return {held.get<std::string>()};
  if (kind == "as_scalar_type") return {ScalarTypeNumber{integer(held)}};
  if (kind == "as_ints") return each(held, [&](const json& v) { return ProgramArgument{integer(v)}; });
  if (kind == "as_floats") return each(held, [&](const json& v) { return ProgramArgument{number(v)}; });
  if (kind == "as_bools")
    return each(held, [&](const json& v) {
      if (!v.is_boolean()) fail("has something else where true or false stands");
      return ProgramArgument{v.get<bool>()};
    });
  if (kind == "as_strings")
    return each(held, [&](const json& v) {
      if (!v.is_string()) fail("has something else where a text stands");
      return ProgramArgument{v.get<std::string>()};
    });
  if (kind == "as_sym_int" || kind == "as_sym_float" || kind == "as_sym_bool") return symbol(held);
  if (kind == "as_sym_ints" || kind == "as_sym_floats" || kind == "as_sym_bools")
    return each(held, [&](const json& v) { return symbol(v); });
  if (kind == "as_optional_tensor") return argument(held);
  if (kind == "as_optional_tensors") return each(held, [&](const json& v) { return argument(v); });
  if (kind == "as_graph")
    return {
        std::shared_ptr<const ProgramGraph>(std::make_shared<ProgramGraph>(graph(member(held, "graph"))))};
  refuse("has an argument of kind " + printable(kind) + ", which calib8 doesn't read");
}

ProgramArguments ProgramParser::arguments(const json& values) const {
  ProgramArguments read;
  for (const json& value : values) read.push_back(argument(value));
  return read;
}

/// The innermost of "path,fqn,type;path,fqn,type;...".
std::string module_in(const json& metadata) {
  if (!metadata.is_object() || !metadata.contains("nn_module_stack")) return {};
  const json& stack = metadata["nn_module_stack"];
  if (!stack.is_string()) return {};
  std::string text = stack.get<std::string>();
  text = text.substr(text.rfind(';') + 1);
  const std::size_t begin = text.find(','),
                    end = begin == std::string::npos ? begin : text.find(',', begin + 1);
  return end == std::string::npos ? std::string() : text.substr(begin + 1, end - begin - 1);
}

/// The name of the first tensor among what a node gives out.
std::string first_name(const ProgramArguments& outputs) {
  for (const ProgramArgument& output : outputs) {
    if (const auto* tensor = output.get_if<TensorNamed>()) return tensor->name;
    const auto* several = output.get_if<ProgramArguments>();
    if (const std::string name = several ? first_name(*several) : std::string(); !name.empty()) return name;
  }
  return {};
}

ProgramNode ProgramParser::node(const json& value) const {
  ProgramNode node;
  node.target = text(value, "target");
  constexpr std::string_view prefix = "torch.ops.";
  if (node.target.starts_with(prefix)) {
    const std::string name = node.target.substr(prefix.size());
    const std::size_t first = name.find('.'), last = name.rfind('.');
    node.operator_name = name.substr(0, last == first ? name.size() : last);
    node.overload = last == first ? "" : name.substr(last + 1);
  } else {
    node.operator_name = node.target;
  }
  for (const json& input : list(value, "inputs"))
    node.inputs.emplace_back(text(input, "name"), argument(member(input, "arg")));
  node.outputs = arguments(list(value, "outputs"));
  node.name = first_name(node.outputs);
  if (node.name.empty()) node.name = node.operator_name;
  if (value.contains("metadata")) node.module = module_in(value["metadata"]);
  return node;
}

ProgramGraph ProgramParser::graph(const json& value) const {
  if (++graph_depth_ > deepest_graph) refuse("has graphs in graphs, deeper than any network");
  ProgramGraph graph;
  graph.inputs = arguments(list(value, "inputs"));
  graph.outputs = arguments(list(value, "outputs"));
  for (const json& item : list(value, "nodes")) graph.nodes.push_back(node(item));
  const json& types = member(value, "tensor_values");
  if (!types.is_object()) fail("has 'tensor_values' that are no object");
  for (const auto& [name, meta] : types.items()) graph.types.emplace(name, type(meta));
  --graph_depth_;
  return graph;
}

void ProgramParser::read_input(const json& spec, Program& program) const {
  if (!spec.is_object() || spec.size() != 1) fail("has an input of no known kind");
  const std::string& kind = spec.begin().key();
  const json& held = spec.begin().value();
  if (kind == "parameter") {
    program.inputs.push_back(
        {ProgramInput::Kind::parameter, text(member(held, "arg"), "name"), text(held, "parameter_name")});
  } else if (kind == "buffer") {
    const json& persistent = member(held, "persistent");
    const bool is_saved = !persistent.is_boolean() || persistent.get<bool>();
    program.inputs.push_back({is_saved ? ProgramInput::Kind::buffer : ProgramInput::Kind::constant,
                              text(member(held, "arg"), "name"), text(held, "buffer_name")});
  } else if (kind == "tensor_constant") {
    program.inputs.push_back({ProgramInput::Kind::constant, text(member(held, "arg"), "name"),
                              text(held, "tensor_constant_name")});
  } else if (kind == "user_input") {
    const ProgramArgument input = argument(member(held, "arg"));
    const auto* tensor = input.get_if<TensorNamed>();
    if (!tensor)
      refuse("takes an argument that is no tensor: export the model with that argument as a constant");
    program.inputs.push_back({ProgramInput::Kind::user, tensor->name, {}});
  } else if (kind != "constant_input") {
    refuse("has an input of kind " + printable(kind) + ", which calib8 doesn't read");
  }
}

void ProgramParser::read_output(const json& spec, Program& program) const {
  if (!spec.is_object() || spec.size() != 1) fail("has an output of no known kind");
  const std::string& kind = spec.begin().key();
  const json& held = spec.begin().value();
  if (kind == "user_output") {
    program.outputs.push_back(argument(member(held, "arg")));
    return;
  }
  if (kind == "buffer_mutation")
    refuse(
        "the program writes into its buffer " + printable(text(held, "buffer_name")) +
        ", and a TFLite model keeps no state: export the model after model.eval(), or with the state as an "
        "input and an output");
  if (kind == "user_input_mutation")
    refuse("the program writes into its input " + printable(text(held, "user_input_name")) +
           " for its caller to see: give out what it writes, and export that");
  refuse("has an output of kind " + printable(kind) + ", which calib8 doesn't convert");
}

void ProgramParser::read_signature(const json& signature, Program& program) const {
  for (const json& spec : list(signature, "input_specs")) read_input(spec, program);
  for (const json& spec : list(signature, "output_specs")) read_output(spec, program);
}

/// The keys of a dict of outputs, as torch's tree has it: [1, {"type": "builtins.dict", "context": "[keys]",
/// "children_spec": [leaf, ...]}].
void ProgramParser::read_output_names(const json& module, Program& program) const {
  if (!module.contains("module_call_graph") || !module["module_call_graph"].is_array()) return;
  for (const json& entry : module["module_call_graph"]) {
    if (!entry.is_object() || !entry.contains("fqn") || entry["fqn"] != "") continue;
    if (!entry.contains("signature") || !entry["signature"].is_object()) return;
    const json& spec = entry["signature"].value("out_spec", json());
    if (!spec.is_string()) return;
    const json tree = json::parse(spec.get<std::string>(), nullptr, false);
    if (!tree.is_array() || tree.size() != 2 || !tree[1].is_object()) return;
    const json context = tree[1].value("context", json()), children = tree[1].value("children_spec", json());
    const json keys = context.is_string() ? json::parse(context.get<std::string>(), nullptr, false) : context;
    if (!keys.is_array() || !children.is_array() || keys.size() != program.outputs.size() ||
        children.size() != keys.size())
      return;
    std::vector<std::string> names;
    for (const json& key : keys) {
      if (!key.is_string() || key.get<std::string>().empty()) return;
      names.push_back(valid_utf8(key.get<std::string>()));
    }
    program.output_names = std::move(names);
    return;
  }
}

void ProgramParser::read_ranges(const json& ranges, Program& program) const {
  if (!ranges.is_object()) return;
  for (const auto& [name, range] : ranges.items()) {
    const auto bound = [&](const char* key) -> std::optional<std::int64_t> {
      if (!range.is_object() || !range.contains(key) || !range[key].is_number_integer()) return std::nullopt;
      return integer(range[key]);
    };
    program.ranges[name] = {bound("min_val"), bound("max_val")};
  }
}

Program ProgramParser::parse(const json& root) {
  const std::int64_t version = integer(member(member(root, "schema_version"), "major"));
  if (version != read_version)
    refuse("is of version " + std::to_string(version) +
           " of torch.export's format, and calib8 reads version " + std::to_string(read_version) +
           ": save the program with PyTorch 2.13");
  const json& module = member(root, "graph_module");
  Program program;
  program.graph = graph(member(module, "graph"));
  read_signature(member(module, "signature"), program);
  read_output_names(module, program);
  if (root.contains("range_constraints")) read_ranges(root["range_constraints"], program);
  return program;
}

}  // namespace

std::optional<DType> dtype_of_program(std::int64_t number) {
  const ElementType* type = find_type(number);
  return type ? type->dtype : std::nullopt;
}

std::string program_type_name(std::int64_t number) {
  const ElementType* type = find_type(number);
  return type ? type->name : "type number " + std::to_string(number);
}

Program parse_program(const Data& json, const std::string& where) {
  return ProgramParser(where).parse(parse_json_object(json, where));
}

ProgramType parse_program_type(const nlohmann::json& json, const std::string& where) {
  return ProgramParser(where).type(json);
}

}  // namespace calib8
