#pragma once

#include <string>

#include "torch_program/operator_rows.h"
#include "torch_program/program.h"

namespace calib8 {

/// torch names in-place operators by a "_" behind: "aten.add_".
bool is_in_place(const ProgramNode& node);

/// The row of a node's operator, of an in-place one that of what it computes; null where there is none.
const OperatorRow* row_of(const ProgramNode& node);

/// `what` is wrong with an in-place operation, and what to do.
std::string unfollowed(const char* what);

}  // namespace calib8
