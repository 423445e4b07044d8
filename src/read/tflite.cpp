#include "read/tflite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "base/text.h"
#include "calib8/error.h"
#include "container/tflite_schema_generated.h"
#include "ops/tflite_op.h"
#include "ops/verify.h"
#include "read/tflite_tensor.h"

namespace calib8 {
namespace {

constexpr std::size_t identifier_offset = 4;
constexpr std::uint32_t format_version = 3;

/// Reads one file into one graph.
class Reader {
 public:
  Reader(const Data& file, const std::string& where) : file_(file), where_(where), budget_(file.size()) {}

  TfliteGraph read() {
    const auto* model = verified_model();
    const auto subgraphs = model->subgraphs();
    if (!subgraphs || subgraphs->size() != 1) {
      fail(fmt::format("the model has {} subgraphs; calib8 reads models with one",
                       subgraphs ? subgraphs->size() : 0));
    }
    const auto& subgraph = *subgraphs->Get(0);
    refuse_unknown_operators(*model, subgraph);
    read_tensors(*model, subgraph);
    graph_.set_inputs(signature_tensors(subgraph.inputs(), "inputs"));
    mark_computed(graph_.inputs());
    read_operators(*model, subgraph);
    graph_.set_outputs(signature_tensors(subgraph.outputs(), "outputs"));
    name_signature(*model);
    if (const auto fault = first_fault(graph_)) fail(*fault);
    return std::move(graph_);
  }

  TfliteOutline read_outline() {
    const auto* model = verified_model();
    if (!model->subgraphs() || model->subgraphs()->size() == 0) fail("the model has no subgraph");
    TfliteOutline outline;
    outline.subgraphs = model->subgraphs()->size();
    const auto& first = *model->subgraphs()->Get(0);
    outline.inputs = endpoints(*model, first, first.inputs(), "inputs", &schema::SignatureDef::inputs);
    outline.outputs = endpoints(*model, first, first.outputs(), "outputs", &schema::SignatureDef::outputs);
    for (const schema::SubGraph* subgraph : *model->subgraphs()) {
      if (!subgraph->operators()) continue;
      for (const schema::Operator* op : *subgraph->operators()) {
        const schema::OperatorCode& code = code_at(*model, *op);
        TfliteOutline::OperatorCount& known = outline.operators[valid_utf8(name_of_code(code))];
        known = {known.count + 1, find_tflite_op(code_of(code)) != nullptr};
      }
    }
    return outline;
  }

 private:
  using Names = std::map<std::uint32_t, std::string>;  // by the tensor's number in the file
  using Indices = flatbuffers::Vector<std::int32_t>;

  [[noreturn]] void fail(const std::string& message) const { throw Error(ErrorCode::model, message, where_); }

  /// The file's root, with every offset in it checked.
  const schema::Model* verified_model() const {
    if (!looks_like_tflite(file_.bytes())) fail("not a TFLite file: its identifier is not TFL3");
    const auto* begin = reinterpret_cast<const std::uint8_t*>(file_.bytes().data());
    // What lies behind 2 GB can only be constants outside of the FlatBuffer.
    const std::size_t size = std::min<std::size_t>(file_.size(), FLATBUFFERS_MAX_BUFFER_SIZE - 1);
    flatbuffers::Verifier verifier(begin, size);
    if (!schema::VerifyModelBuffer(verifier)) {
      fail("the TFLite file is damaged: an offset in it leads astray; export it again");
    }
    const schema::Model* model = schema::GetModel(begin);
    if (model->version() != format_version)
      fail(fmt::format("format version {} is not supported; calib8 reads version 3", model->version()));
    return model;
  }

  template <class Entries>
  std::vector<TfliteEndpoint> endpoints(const schema::Model& model, const schema::SubGraph& subgraph,
                                        const Indices* indices, std::string_view kind,
                                        const Entries* (schema::SignatureDef::*entries_of)() const) {
    const std::size_t count = subgraph.tensors() ? subgraph.tensors()->size() : 0;
    const TensorReader reader{file_, model, budget_, where_};
    const Names names = signature_names(model, entries_of);
    std::set<std::string> taken;
    std::vector<TfliteEndpoint> result;
    for (const std::int32_t number : indices_of(indices, count, kind)) {
      const auto index = static_cast<std::uint32_t>(number);
      TfliteTensor tensor = reader.read(*subgraph.tensors()->Get(index));
      std::string name = own_name(index, tensor.name, names, taken);
      result.push_back({std::move(name), std::move(tensor)});
    }
    return result;
  }

  static std::int32_t code_of(const schema::OperatorCode& code) {
    return std::max<std::int32_t>(code.deprecated_builtin_code(),
                                  static_cast<std::int32_t>(code.builtin_code()));
  }
  static std::string name_of_code(const schema::OperatorCode& code) {
    const std::int32_t number = code_of(code);
    if (number == static_cast<std::int32_t>(schema::BuiltinOperator::CUSTOM)) {
      return fmt::format("CUSTOM {}", code.custom_code() ? code.custom_code()->string_view() : "");
    }
    const char* const name = schema::EnumNameBuiltinOperator(static_cast<schema::BuiltinOperator>(number));
    return *name != '\0' ? name : fmt::format("operator {}", number);
  }
  const schema::OperatorCode& code_at(const schema::Model& model, const schema::Operator& op) const {
    const auto codes = model.operator_codes();
    if (!codes || op.opcode_index() >= codes->size())
      fail("an operator's code is outside of the file's list");
    return *codes->Get(op.opcode_index());
  }

  void refuse_unknown_operators(const schema::Model& model, const schema::SubGraph& subgraph) const {
    if (!subgraph.operators()) return;
    std::map<std::string, std::size_t> unknown;
    for (const schema::Operator* op : *subgraph.operators()) {
      const schema::OperatorCode& code = code_at(model, *op);
      if (!find_tflite_op(code_of(code))) ++unknown[name_of_code(code)];
    }
    if (unknown.empty()) return;
    std::string names;
    for (const auto& [name, count] : unknown) {
      names += fmt::format("{}{} ({}x)", names.empty() ? "" : ", ", name, count);
    }
    fail("operators that calib8 does not support: " + names);
  }

  void read_tensors(const schema::Model& model, const schema::SubGraph& subgraph) {
    if (!subgraph.tensors()) return;
    const TensorReader reader{file_, model, budget_, where_};
    for (const schema::Tensor* tensor : *subgraph.tensors())
      tensors_.push_back(graph_.add_value(reader.read(*tensor)));
    computed_.assign(tensors_.size(), false);
  }

  void check_index(std::int64_t index, std::size_t count) const {
    if (index < 0 || index >= static_cast<std::int64_t>(count))
      fail(fmt::format("tensor {} does not exist; the file has {}", index, count));
  }
  TensorId tensor_at(std::int64_t index) const {
    check_index(index, tensors_.size());
    return tensors_[static_cast<std::size_t>(index)];
  }
  /// The model's inputs or outputs: at least one, each among `count` tensors, none twice.
  const Indices& indices_of(const Indices* indices, std::size_t count, std::string_view kind) const {
    if (!indices || indices->size() == 0) fail(fmt::format("the model has no {}", kind));
    if (indices->size() > count) fail(fmt::format("the model has more {} than tensors", kind));
    for (const std::int32_t index : *indices) check_index(index, count);
    if (std::set(indices->begin(), indices->end()).size() != indices->size())
      fail(fmt::format("a tensor is twice among the {}", kind));
    return *indices;
  }
  std::vector<TensorId> signature_tensors(const Indices* indices, std::string_view kind) const {
    std::vector<TensorId> ids;
    for (const std::int32_t index : indices_of(indices, tensors_.size(), kind))
      ids.push_back(tensor_at(index));
    return ids;
  }
  void mark_computed(const std::vector<TensorId>& ids) {
    for (const TensorId id : ids) {
      if (computed_[id.index]) fail(fmt::format("tensor '{}' is written twice", graph_[id].name));
      if (graph_.is_constant(id))
        fail(fmt::format("tensor '{}' is both constant and written", graph_[id].name));
      computed_[id.index] = true;
    }
  }

  std::vector<TensorId> operands(const flatbuffers::Vector<std::int32_t>* indices, bool may_be_absent) {
    std::vector<TensorId> ids;
    if (!indices) return ids;
    budget_.take(indices->size() * sizeof(TensorId), where_);
    for (const std::int32_t index : *indices) {
      ids.push_back(index == -1 && may_be_absent ? TensorId{} : tensor_at(index));
    }
    return ids;
  }
  void read_operators(const schema::Model& model, const schema::SubGraph& subgraph) {
    if (!subgraph.operators()) return;
    for (const schema::Operator* op : *subgraph.operators()) {
      const TfliteOp& row = *find_tflite_op(code_of(code_at(model, *op)));
      std::vector<TensorId> inputs = operands(op->inputs(), true);
      std::vector<TensorId> outputs = operands(op->outputs(), false);
      for (const TensorId input : inputs) make_empty_constant(input);
      mark_computed(outputs);
      graph_.append({read_options(row, *op, outputs), std::move(inputs), std::move(outputs)});
    }
  }
  tflite::Options read_options(const TfliteOp& row, const schema::Operator& op,
                               const std::vector<TensorId>& outputs) const {
    try {
      return row.read(op);
    } catch (const Error& error) {
      const std::string name = outputs.empty() ? "" : graph_[outputs[0]].name;
      throw Error(error.code(), fmt::format("{} '{}': {}", row.name, name, error.message()), where_);
    }
  }
  /// A tensor without elements that nobody writes, such as the axes of a reduction over none: the file can't
  /// tell its empty buffer from no buffer.
  void make_empty_constant(TensorId id) {
    if (!id.exists() || computed_[id.index] || graph_.is_constant(id)) return;
    if (element_count(graph_[id].shape) == 0) graph_[id].constant = Data();
  }

  /// The names that the first signature gives to its inputs or outputs.
  template <class Entries>
  Names signature_names(const schema::Model& model,
                        const Entries* (schema::SignatureDef::*entries_of)() const) {
    Names names;
    if (!model.signature_defs()) return names;
    const schema::SignatureDef* first = nullptr;  // of the first subgraph, which is the one that is read
    for (const schema::SignatureDef* signature : *model.signature_defs()) {
      if (!first && signature->subgraph_index() == 0) first = signature;
    }
    if (!first) return names;
    const Entries* entries = (first->*entries_of)();
    if (!entries) return names;
    for (const schema::TensorMap* entry : *entries) {
      if (!entry->name()) continue;
      budget_.take(entry->name()->size(), where_);
      names.try_emplace(entry->tensor_index(), valid_utf8(entry->name()->string_view()));
    }
    return names;
  }
  /// The signature's name, else the tensor's, made different from those that are taken.
  static std::string own_name(std::uint32_t index, const std::string& tensor_name, const Names& names,
                              std::set<std::string>& taken) {
    const auto found = names.find(index);
    std::string text = found != names.end() ? found->second : tensor_name;
    if (text.empty() || taken.contains(text)) text = fmt::format("{}_{}", text, index);
    taken.insert(text);
    return text;
  }
  void name_signature(const schema::Model& model) {
    // Tensors are values of the graph in the file's order, so an id's index is the tensor's number.
    const auto name = [&](const std::vector<TensorId>& ids, const Names& names) {
      std::set<std::string> taken;
      std::vector<std::string> result;
      for (const TensorId id : ids) result.push_back(own_name(id.index, graph_[id].name, names, taken));
      return result;
    };
    graph_.input_names = name(graph_.inputs(), signature_names(model, &schema::SignatureDef::inputs));
    graph_.output_names = name(graph_.outputs(), signature_names(model, &schema::SignatureDef::outputs));
  }

  const Data& file_;
  const std::string& where_;
  ReadBudget budget_;
  TfliteGraph graph_;
  std::vector<TensorId> tensors_;  // by their number in the file
  std::vector<bool> computed_;     // by TensorId::index
};

}  // namespace

bool looks_like_tflite(ByteView bytes) {
  return bytes.size() >= identifier_offset + 4 &&
         std::memcmp(bytes.data() + identifier_offset, "TFL3", 4) == 0;
}

TfliteGraph read_tflite(const Data& file, const std::string& where) {
  return Reader(aligned_copy_if_needed(file), where).read();
}

TfliteOutline read_tflite_outline(const Data& file, const std::string& where) {
  return Reader(aligned_copy_if_needed(file), where).read_outline();
}

}  // namespace calib8
