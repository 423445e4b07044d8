#pragma once

#include <cstddef>
#include <filesystem>

#include "pipeline/representative_data.h"

namespace calib8 {

/// RepresentativeDataset::write_preview().
void write_preview(const RepresentativeData& data, const std::filesystem::path& file, std::size_t most,
                   int threads);

}  // namespace calib8
