#pragma once

#include <filesystem>

#include "pipeline/representative_data.h"

namespace calib8 {

/// RepresentativeDataset::write_module().
void write_python_module(const RepresentativeData& data, const std::filesystem::path& file);

}  // namespace calib8
