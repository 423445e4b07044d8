#pragma once

#include <string>

namespace calib8 {

/// The module of a value that torch's exporter named by its scopes. Children of a Sequential repeat their
/// parent's name there; the first operator of a type in a module is left out:
///   /features/features.1/conv/conv.0/conv.0.0/Conv_output_0  ->  features.1.conv.0.0
///   /layer1/layer1.0/Add_1_output_0                          ->  layer1.0/Add_1
/// What is no path of scopes stays as it is.
std::string module_name(const std::string& value_name, const std::string& op_type);

}  // namespace calib8
