#pragma once

#include <string_view>

#include "torch_program/operator_call.h"

namespace calib8 {

/// An argument that is a tensor or a number, and the type that both of an operator's together have.
struct Operands {
  OnnxValueId a, b;
  DType dtype = DType::float32;
};

/// The two arguments in one type, as PyTorch promotes them (torch.result_type): a number, and a tensor of no
/// dimensions, counts only where the other is of a lower kind (bool, whole numbers, real numbers).
Operands promoted(OperatorCall& call, std::string_view a, std::string_view b);

/// The argument as a tensor of that type.
OnnxValueId operand(OperatorCall& call, std::string_view name, DType dtype);

/// The type of such arguments together.
DType result_type(OperatorCall& call, std::initializer_list<std::string_view> names);

}  // namespace calib8
