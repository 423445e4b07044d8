#include "cli/suggestion.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

namespace calib8::cli {
namespace {

/// Insertions, deletions and replacements that make one text the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t least = word.size() / 3 + 1;  // further away it is another word
  for (const std::string& candidate : known) {
    const std::size_t edits = distance(word, candidate);
    if (edits < least || (edits == least && best.empty())) {
      least = edits;
      best = candidate;
    }
  }
  return best;
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::vector<std::string> commands_of(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

}  // namespace

std::string suggestion(const CLI::App& program, int argc, const char* const* argv) {
  if (argc < 2) return "";
  const std::vector<std::string> commands = commands_of(program);
  const std::string_view given = argv[1];
  const bool is_command = std::find(commands.begin(), commands.end(), given) != commands.end();
  std::string meant = is_command || given.starts_with('-') ? "" : nearest(given, commands);
  if (is_command) {
    const std::vector<std::string> flags = flags_of(*program.get_subcommand(std::string(given)));
    for (int i = 2; i < argc && meant.empty(); ++i) {
      const std::string_view argument = argv[i];
      const std::string_view flag = argument.substr(0, argument.find('='));
      if (flag == "--") break;
      if (flag.starts_with("--") && std::find(flags.begin(), flags.end(), flag) == flags.end())
        meant = nearest(flag, flags);
    }
  }
  return meant.empty() ? "" : " (did you mean " + meant + "?)";
}

}  // namespace calib8::cli
