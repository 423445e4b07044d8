#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "calib8/dataset_options.h"

// The flags that `calib8 export` and `calib8 dataset` have in common.

namespace calib8::cli {

template <class T>
CLI::CheckedTransformer one_of(std::map<std::string, T> words) {
  return CLI::CheckedTransformer(std::move(words));
}

/// "224" or "225x161" (height x width). Fails with ErrorCode::usage.
std::pair<std::int64_t, std::int64_t> parse_size(const std::string& text);

/// What the model takes; `input_size` receives the text for parse_size().
void add_input_flags(CLI::App& command, DatasetOptions& options, std::string& input_size);
void add_data_flags(CLI::App& command, DatasetOptions& options);
void add_preprocessing_flags(CLI::App& command, PreprocessingOptions& options);

}  // namespace calib8::cli
