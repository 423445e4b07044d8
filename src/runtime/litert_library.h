#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "runtime/litert_api.h"

namespace calib8 {
namespace litert {

using OwnedEnvironment = std::unique_ptr<EnvironmentHandle, void (*)(Environment)>;

/// What LiteRT writes to standard error: LiteRtLogSeverity.
enum class LogLevel { errors = 3, silent = 4 };

/// LiteRT with its CPU kernels only, without a search for drivers of accelerators. The level becomes the
/// process's.
OwnedEnvironment make_environment(const Functions& api, LogLevel level);

}  // namespace litert

/// LiteRT, opened: its functions and one environment for the whole process. It is never unloaded.
class LiteRt {
 public:
  explicit LiteRt(const std::filesystem::path& library);

  const litert::Functions& functions() const { return functions_; }
  litert::Environment environment() const { return environment_.get(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  litert::Functions functions_{};
  litert::OwnedEnvironment environment_{nullptr, nullptr};
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

/// Opens the library; the same one again is handed out for the same file as long as somebody holds it. Fails
/// with ErrorCode::runtime where it can't be loaded, lacks a function, or is older than 2.1.6.
std::shared_ptr<const LiteRt> open_litert(const std::filesystem::path& library);

/// find_litert() and open_litert(); fails with ErrorCode::runtime, saying how to install it, where it is not
/// found.
std::shared_ptr<const LiteRt> open_litert();

}  // namespace calib8
