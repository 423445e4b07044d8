#include "calib8/error.h"
#include "pipeline/readers/model_readers.h"
#include "report/inspect.h"
#include "simplify/signature.h"
#include "torch_program/read_program.h"

namespace calib8 {
namespace {

Source read(const Data& file, const ExportOptions& options) {
  const std::string where = options.model.string();
  ProgramArchive archive(file, where);
  OnnxGraph inputs = program_inputs(archive, where);
  take_input_shapes(inputs, options);
  if (options.input_size) set_input_size(inputs, options.input_size->first, options.input_size->second);
  fix_batch(inputs, 1);
  require_static_inputs(inputs);
  note_other_float(other_float(archive), options);
  Source source;
  source.description.kind = "exported program";
  OnnxGraph graph = read_program(archive, inputs, where);
  take_input_values(graph, options, source);
  source.graph = std::move(graph);
  return source;
}

std::string inspect_program(const Data& file, const std::filesystem::path& path, bool as_json) {
  ProgramArchive archive(file, path.string());
  OnnxGraph graph = program_inputs(archive, path.string());
  std::vector<std::string> refusals;
  try {
    OnnxGraph inputs = graph;
    fix_batch(inputs, 1);
    require_static_inputs(inputs);
    graph = read_program(archive, inputs, path.string());
    refusals = refusals_of_lowering(graph);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::model) throw;
    refusals = {error.message()};
  }
  return as_json ? printed(inspect_json(graph, refusals)) : inspect_text(graph, refusals);
}

}  // namespace

const ModelReader exported_program_reader = {
    "an exported program (.pt2)", looks_like_program, read, inspect_program, false, true};

}  // namespace calib8
