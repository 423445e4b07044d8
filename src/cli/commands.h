#pragma once

namespace CLI {
class App;
}

namespace calib8::cli {

/// Each adds a subcommand to the program; its callback sets `status` to the exit status.
void add_export_command(CLI::App& program, int& status);
void add_compare_command(CLI::App& program, int& status);
void add_dataset_command(CLI::App& program, int& status);
void add_inspect_command(CLI::App& program, int& status);

}  // namespace calib8::cli
