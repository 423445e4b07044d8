#pragma once

#include <filesystem>
#include <memory>

#include "worker/litert_api.h"

namespace calib8::litert {

/// LiteRT, loaded into this process: its functions and one environment. It is never unloaded, because its
/// threads and statics may outlive us.
class Library {
 public:
  /// Fails with ErrorCode::runtime where it can't be loaded or lacks a function.
  explicit Library(const std::filesystem::path& path);

  const Functions& functions() const { return functions_; }
  Environment environment() const { return environment_.get(); }

 private:
  Functions functions_{};
  std::unique_ptr<EnvironmentHandle, void (*)(Environment)> environment_{nullptr, nullptr};
};

}  // namespace calib8::litert
