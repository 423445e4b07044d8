#include <CLI/CLI.hpp>
#include <memory>

#include "base/standard_streams.h"
#include "calib8/inspect.h"
#include "cli/commands.h"

namespace calib8::cli {

void add_inspect_command(CLI::App& program, int& status) {
  CLI::App* command =
      program.add_subcommand("inspect", "Print what is in a file: .pth, .onnx, .tflite or its metadata");
  struct Flags {
    std::filesystem::path file;
    bool json = false;
  };
  const auto flags = std::make_shared<Flags>();
  command->add_option("file", flags->file, "The file")->required();
  command->add_flag("--json", flags->json, "As JSON");
  command->callback([flags, &status] {
    write_standard_output(inspect(flags->file, flags->json));
    status = 0;
  });
}

}  // namespace calib8::cli
