#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace calib8::cli {

/// What --help looks like: the usage spells an argument that has a flag by its flag, once.
std::shared_ptr<CLI::FormatterBase> help_formatter();

/// Names the group in which --help shows the flags that `command` gets from here on.
inline void begin_group(CLI::App& command, const std::string& name) {
  command.option_defaults()->group(name);
}

}  // namespace calib8::cli
