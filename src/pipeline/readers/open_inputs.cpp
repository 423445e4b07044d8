#include <fmt/format.h>

#include "calib8/error.h"
#include "lower/lower.h"
#include "pipeline/readers/model_readers.h"
#include "simplify/given_inputs.h"
#include "simplify/signature.h"

namespace calib8 {

void take_input_shapes(OnnxGraph& graph, const ExportOptions& options) {
  for (const auto& [name, sizes] : options.input_shapes) set_input_shape(graph, name, sizes);
}

void take_input_values(OnnxGraph& graph, const ExportOptions& options, Source& source) {
  for (const auto& [name, values] : options.input_values) {
    fix_input(graph, name, values);
    source.description.notes.push_back(fmt::format(
        "input '{}' is a constant of the model: {}", name,
        values.size() == 1 ? fmt::format("{}", values[0]) : fmt::format("{} numbers", values.size())));
  }
}

void note_other_float(std::optional<DType> dtype, const ExportOptions& options) {
  if (dtype && options.note)
    options.note("the file holds " + std::string(name_of(*dtype)) + "; everything is computed in float32");
}

std::vector<std::string> refusals_of_lowering(OnnxGraph graph) {
  try {
    fix_batch(graph, 1);
    require_static_inputs(graph);
    lower(with_single_batch(std::move(graph), {}));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::model && error.code() != ErrorCode::usage) throw;
    return {error.message()};
  }
  return {};
}

}  // namespace calib8
