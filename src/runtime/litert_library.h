#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace calib8 {

class WorkerProcess;

/// LiteRT in a process of its own: what kills it, or makes it hang, is an error here. The process lives as
/// long as this; a new one is opened for each piece of work, so that what harms one leaves the others alone.
class LiteRt {
 public:
  /// `model` is the file that is worked on, for errors.
  LiteRt(std::filesystem::path library, std::string model);
  ~LiteRt();
  LiteRt(const LiteRt&) = delete;
  LiteRt& operator=(const LiteRt&) = delete;

  const std::filesystem::path& library() const { return library_; }
  WorkerProcess& process() const { return *process_; }

 private:
  std::filesystem::path library_;
  std::unique_ptr<WorkerProcess> process_;
};

/// Where libLiteRt.so of the PyPI package ai-edge-litert is, by the first of these that has it:
///  1. CALIB8_LITERT: the file, its folder, or the site-packages folder above; ErrorCode::runtime where it
///  has none;
///  2. the environment that the running program stands in (.venv/bin/calib8 ->
///  .venv/lib/python3*/site-packages);
///  3. the site-packages folder that holds the shared object or program with this code (the Python module);
///  4. VIRTUAL_ENV.
/// Nothing where none has it. The system's own Python is not searched.
std::optional<std::filesystem::path> find_litert();

/// The version of the ai-edge-litert package that holds the library, by the dist-info folder next to the
/// package's; nothing where there is none.
std::optional<std::string> litert_version(const std::filesystem::path& library);

/// Starts LiteRT from this library in a process of its own (calib8-runtime, beside the program or shared
/// object with this code). Fails with ErrorCode::runtime where the process can't be started, or the library
/// can't be loaded, lacks a function, or is older than 2.1.6. `model` is the file that errors speak of.
std::shared_ptr<const LiteRt> open_litert_at(const std::filesystem::path& library, std::string model = {});

/// open_litert_at() with find_litert(); fails with ErrorCode::runtime, saying how to install it, where it is
/// not found.
std::shared_ptr<const LiteRt> open_litert(std::string model = {});

}  // namespace calib8
