#include "cli/help.h"

#include <algorithm>

namespace calib8::cli {
namespace {

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    const auto subcommands = app->get_subcommands([](const CLI::App*) { return true; });
    if (!subcommands.empty()) return Formatter::make_usage(app, std::move(name));
    std::string usage = "Usage: " + name;
    for (const CLI::Option* option : app->get_options()) {
      if (!option->get_required()) continue;
      usage += option->nonpositional() ? " " + option->get_name() + " " + option->get_type_name()
                                       : " " + make_option_usage(option);
    }
    return usage + " [OPTIONS]\n";
  }

  /// Those that have no flag.
  std::string make_positionals(const CLI::App* app) const override {
    const auto options = app->get_options(
        [](const CLI::Option* option) { return option->get_positional() && !option->nonpositional(); });
    return options.empty() ? "" : make_group("Arguments", true, options);
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() {
  return std::make_shared<HelpFormatter>();
}

}  // namespace calib8::cli
