#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "calib8/choices.h"
#include "calib8/dataset_options.h"
#include "calib8/error.h"

// The flags that `calib8 export` and `calib8 dataset` have in common.

namespace calib8::cli {

/// A flag that takes one of the words of an enumeration; `description` gets the default behind it.
template <class T>
void add_choice(CLI::App& command, const std::string& flag, T& variable, const std::string& description) {
  const auto choose = [&variable, flag](const std::string& word) {
    const std::optional<T> found = find_choice<T>(word);
    if (!found) throw Error(ErrorCode::usage, "'" + word + "' is none of " + words_of<T>(", "), flag);
    variable = *found;
  };
  command
      .add_option_function<std::string>(flag, choose,
                                        description + " (default: " + std::string(word_of(variable)) + ")")
      ->type_name(words_of<T>());
}

/// Digits alone: CLI11 takes -1 and 2^64 for the largest number, and 010 for eight.
CLI::Validator whole_number();

/// "224" or "225x161" (height x width). Fails with ErrorCode::usage.
std::pair<std::int64_t, std::int64_t> parse_size(const std::string& text);

/// The model that a command can't do without, with or without its flag.
void add_required_model(CLI::App& command, DatasetOptions& options);

/// What the model takes; `input_size` receives the text for parse_size().
void add_input_flags(CLI::App& command, DatasetOptions& options, std::string& input_size);
void add_data_flags(CLI::App& command, DatasetOptions& options);
void add_preprocessing_flags(CLI::App& command, PreprocessingOptions& options);

}  // namespace calib8::cli
