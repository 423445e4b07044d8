#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "torch_program/operator_call.h"

namespace calib8 {

/// Whether an operator's output shares its elements with its first tensor.
enum class Sharing {
  none,
  same,     ///< It is that tensor.
  view,     ///< It shows elements of it in other places.
  unclear,  ///< It shares them or copies them, as memory has it.
};

/// What an operator of PyTorch computes. Overloads have one row; an in-place operator has that of the one
/// without "_".
struct OperatorRow {
  using One = OnnxValueId (*)(OperatorCall& call);
  using Several = Values (*)(OperatorCall& call);

  constexpr OperatorRow(std::string_view name_, One function, Sharing sharing_ = Sharing::none)
      : name(name_), one(function), sharing(sharing_) {}
  constexpr OperatorRow(std::string_view name_, Several function, Sharing sharing_ = Sharing::none)
      : name(name_), several(function), sharing(sharing_) {}

  std::string_view name;  ///< "aten.conv2d"
  One one = nullptr;
  Several several = nullptr;  ///< All outputs; absent where one isn't computed.
  Sharing sharing = Sharing::none;
};

/// The row of an operator; null where calib8 doesn't know it.
const OperatorRow* find_operator(std::string_view name);

/// All rows.
std::span<const OperatorRow* const> all_operators();

// One list a family, each in a file of its own.
std::span<const OperatorRow> activation_operators();
std::span<const OperatorRow> arithmetic_operators();
std::span<const OperatorRow> attention_operators();
std::span<const OperatorRow> comparison_operators();
std::span<const OperatorRow> convolution_operators();
std::span<const OperatorRow> creation_operators();
std::span<const OperatorRow> function_operators();
std::span<const OperatorRow> index_operators();
std::span<const OperatorRow> linear_operators();
std::span<const OperatorRow> move_operators();
std::span<const OperatorRow> normalization_operators();
std::span<const OperatorRow> pooling_operators();
std::span<const OperatorRow> recurrent_operators();
std::span<const OperatorRow> reduction_operators();
std::span<const OperatorRow> resize_operators();
std::span<const OperatorRow> view_operators();

/// What a view's tensor becomes when the view is written: `part` is which of the view's outputs it is,
/// `whole` the tensor before, `written` what stands in the view now. Nothing where the view isn't known to be
/// undone.
std::optional<OnnxValueId> written_through(OperatorCall& call, std::string_view name, std::size_t part,
                                           OnnxValueId whole, OnnxValueId written);

/// What a node computes of numbers: sizes and what is made of them. Nothing for other names.
std::optional<Scalar> evaluate_symbolic(std::string_view name, std::span<const Scalar> arguments);

}  // namespace calib8
