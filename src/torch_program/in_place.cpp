#include "torch_program/in_place.h"

namespace calib8 {

bool is_in_place(const ProgramNode& node) {
  return node.operator_name.starts_with("aten.") && node.operator_name.ends_with('_') &&
         !node.operator_name.ends_with("__");
}

const OperatorRow* row_of(const ProgramNode& node) {
  const OperatorRow* row = find_operator(node.operator_name);
  if (row || !is_in_place(node)) return row;
  return find_operator(std::string_view(node.operator_name).substr(0, node.operator_name.size() - 1));
}

std::string unfollowed(const char* what) {
  std::string text = what;
  text +=
      ": write the model without that in-place operation, or save exported.run_decompositions(), which has "
      "none";
  return text;
}

}  // namespace calib8
