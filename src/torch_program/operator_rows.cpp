#include "torch_program/operator_rows.h"

#include <algorithm>
#include <array>

#include "calib8/error.h"

namespace calib8 {
namespace {

/// The one list of operators' families.
constexpr std::array families = {
    activation_operators,  arithmetic_operators, attention_operators,     comparison_operators,
    convolution_operators, creation_operators,   function_operators,      index_operators,
    linear_operators,      move_operators,       normalization_operators, pooling_operators,
    recurrent_operators,   reduction_operators,  resize_operators,        view_operators,

};

std::vector<const OperatorRow*> collect() {
  std::vector<const OperatorRow*> rows;
  for (const auto family : families) {
    for (const OperatorRow& row : family()) rows.push_back(&row);
  }
  std::ranges::sort(rows, {}, [](const OperatorRow* row) { return row->name; });
  const auto twice = std::ranges::adjacent_find(rows, {}, [](const OperatorRow* row) { return row->name; });
  if (twice != rows.end())
    throw Error(ErrorCode::internal, "two rows for the operator " + std::string((*twice)->name));
  return rows;
}

}  // namespace

std::span<const OperatorRow* const> all_operators() {
  static const std::vector<const OperatorRow*> rows = collect();
  return rows;
}

const OperatorRow* find_operator(std::string_view name) {
  const auto rows = all_operators();
  const auto found =
      std::ranges::lower_bound(rows, name, {}, [](const OperatorRow* row) { return row->name; });
  return found != rows.end() && (*found)->name == name ? *found : nullptr;
}

}  // namespace calib8
