#pragma once

#include <string>
#include <utility>
#include <vector>

#include "onnx_graph/onnx_graph.h"
#include "torch_program/program_archive.h"

namespace calib8 {

/// The inputs that the program's user gives, as the file says them: sizes may be open, with the symbol of
/// whatever has to be of the same size. The graph has inputs alone. Fails with ErrorCode::model for element
/// types that no model takes.
OnnxGraph program_inputs(const ProgramArchive& archive, const std::string& where);

/// The program as a graph for inputs of these sizes, all known. Operators in place, views and sizes that are
/// computed are gone; 16- and 64-bit real numbers have become float32. Fails with ErrorCode::model, naming
/// the node, or all operators that calib8 doesn't convert.
OnnxGraph read_program(ProgramArchive& archive, const OnnxGraph& inputs, const std::string& where);

/// Real numbers of another type than float32 that the program holds or computes with; nothing where there are
/// none.
std::optional<DType> other_float(const ProgramArchive& archive);

}  // namespace calib8
