#pragma once

#include <map>
#include <string>

#include "base/tensor.h"
#include "runtime/interpreter.h"

namespace calib8 {

/// Copies arrays into the inputs of a model, each by its name; the empty name stands for the only input.
/// Fails with ErrorCode::dataset where an input has no array, or one of another type or shape.
void feed(Interpreter& interpreter, const std::map<std::string, Tensor>& arrays);

}  // namespace calib8
