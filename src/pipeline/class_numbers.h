#pragma once

#include <string>
#include <vector>

#include "calib8/choices.h"
#include "discover/discover.h"

namespace calib8 {

/// Numbers the classes of a listing as the model does: by the names in its file where they are those of the
/// folders ("Golden Retriever" is golden_retriever), else by the folders' names in bytewise order; as `order`
/// says where it isn't automatic. Class names and labels of the images change together. Adds to the listing's
/// notes what differs.
void number_classes(DatasetListing& listing, ClassOrder order, const std::vector<std::string>& model_names);

/// The place of each class among the model's, whatever the case and the spaces in its name; empty where one
/// isn't there.
std::vector<int> places_among(const std::vector<std::string>& classes,
                              const std::vector<std::string>& model_names);

/// The order of the names with numbers in them compared by value: "1", "2", "10".
std::vector<std::size_t> natural_order(const std::vector<std::string>& names);

}  // namespace calib8
