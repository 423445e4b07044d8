#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace calib8 {

/// Which of a state_dict's tensors are the network's.
struct NetworkNames {
  std::vector<std::size_t> kept;  ///< Indices, in order.
  std::string prefix;  ///< What all kept names begin with, "student.", where one of several was taken.
  std::vector<std::string> twins;  ///< The other networks: "teacher".
  std::vector<std::string>
      left_out;  ///< First parts of names that belong to losses and metrics: "criterion".
};

/// Tells the network from what training keeps beside it: tensors of losses and metrics ("criterion.weight",
/// "val_acc.tp", as Lightning saves them) and a second network of the same tensors (a teacher, a moving
/// average). With `wanted`, the tensors whose names begin with it ("student"), and none where no name does.
NetworkNames choose_network(const std::vector<std::string>& names, const std::string& wanted);

}  // namespace calib8
