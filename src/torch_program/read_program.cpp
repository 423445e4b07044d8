#include "torch_program/read_program.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "calib8/error.h"
#include "onnx_graph/emitter.h"
#include "torch_program/program_builder.h"

namespace calib8 {
namespace {

constexpr std::int64_t largest_size = 1 << 24;

const ProgramType& type_of(const Program& program, const std::string& name, const std::string& where) {
  const auto found = program.graph.types.find(name);
  if (found == program.graph.types.end())
    throw Error(ErrorCode::model,
                "input " + printable(name) + " isn't described: the file is damaged, get it anew", where);
  return found->second;
}

/// Sizes that have one symbol must be one size, and within the range that the program was exported for.
void check_sizes(const Program& program, const OnnxGraph& inputs, const std::string& where) {
  std::map<std::string, std::int64_t> sizes;
  for (const OnnxValueId id : inputs.inputs()) {
    const OnnxValue& input = inputs[id];
    const ProgramType& said = type_of(program, input.name, where);
    const Shape shape = input.type->static_shape();
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] > largest_size)
        throw Error(ErrorCode::model, "input " + printable(input.name) + " is larger than any model takes",
                    where);
      const std::string& symbol = said.sizes[i].symbol;
      if (symbol.empty()) continue;
      const auto [known, is_new] = sizes.emplace(symbol, shape[i]);
      if (known->second != shape[i])
        throw Error(ErrorCode::model,
                    "input " + printable(input.name) + " has a size of " + std::to_string(shape[i]) +
                        " where the program needs " + std::to_string(known->second) +
                        ", as another input has",
                    where);
      const auto range = program.ranges.find(symbol);
      // PyTorch exports sizes from 2 on where 1 is as good.
      constexpr std::int64_t said_anyway = 2;
      if (range == program.ranges.end()) continue;
      const auto [least, most] = range->second;
      if ((least && *least > said_anyway && shape[i] < *least) || (most && shape[i] > *most))
        throw Error(ErrorCode::model,
                    "input " + printable(input.name) + " has a size of " + std::to_string(shape[i]) +
                        ", and the program was exported for " + (least ? std::to_string(*least) : "0") +
                        " to " + (most ? std::to_string(*most) : "any"),
                    where);
    }
  }
}

}  // namespace

OnnxGraph program_inputs(const ProgramArchive& archive, const std::string& where) {
  OnnxEmitter emitter;
  for (const ProgramInput& input : archive.program().inputs) {
    if (input.kind != ProgramInput::Kind::user) continue;
    const ProgramType& said = type_of(archive.program(), input.value, where);
    if (!said.dtype)
      throw Error(ErrorCode::model,
                  "input " + printable(input.value) + " is " + program_type_name(said.dtype_number) +
                      ", which no TFLite model takes",
                  where);
    const DType dtype = is_floating(*said.dtype) ? DType::float32 : *said.dtype;
    const OnnxValueId id = emitter.input(input.value, {dtype, said.sizes});
    if (emitter.graph()[id].name != input.value)
      throw Error(ErrorCode::model, "two inputs have the name " + printable(input.value), where);
  }
  if (emitter.graph().inputs().empty()) throw Error(ErrorCode::model, "the program takes no input", where);
  return emitter.take();
}

OnnxGraph read_program(ProgramArchive& archive, const OnnxGraph& inputs, const std::string& where) {
  check_sizes(archive.program(), inputs, where);
  std::vector<std::pair<std::string, OnnxType>> given;
  for (const OnnxValueId id : inputs.inputs()) given.emplace_back(inputs[id].name, *inputs[id].type);
  ProgramBuilder builder(
      archive.program(), [&](const ProgramInput& input) { return archive.tensor(input); }, where);
  return builder.build(given);
}

std::optional<DType> other_float(const ProgramArchive& archive) {
  std::optional<DType> found;
  for (const auto& [name, type] : archive.program().graph.types) {
    if (!type.dtype || !is_floating(*type.dtype) || *type.dtype == DType::float32) continue;
    found = std::min(found.value_or(*type.dtype), *type.dtype);
  }
  return found;
}

}  // namespace calib8
