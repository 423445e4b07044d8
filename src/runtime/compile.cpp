#include "runtime/compile.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <optional>
#include <string>

#include "base/standard_error.h"
#include "calib8/error.h"

namespace calib8::litert {
namespace {

/// Where TFLite's kernels leave their messages: LiteRtErrorReporterMode.
enum class Messages { standard_error = 1, compiled_model = 2 };

/// Gives LiteRT a group of settings as TOML text, which is how its own headers pass them.
void add_settings(const Functions& api, Options options, const char* group, const std::string& toml) {
  char* payload = ::strdup(toml.c_str());
  if (payload == nullptr) throw std::bad_alloc();
  OpaqueOptions opaque = nullptr;
  check(api.create_opaque_options(group, payload, std::free, &opaque), "LiteRT refused its options");
  check(api.add_opaque_options(options, opaque), "LiteRT refused its options");
}

Owned<Options> make_options(const Functions& api, const InterpreterOptions& wanted, Messages messages) {
  Options handle = nullptr;
  check(api.create_options(&handle), "LiteRT refused its options");
  Owned<Options> options(handle, api.destroy_options);
  check(api.set_hardware_accelerators(handle, accelerator_cpu), "LiteRT refused its options");
  const char* kernels = wanted.kernels == Kernels::xnnpack ? "delegate" : "builtin";
  add_settings(api, handle, "xnnpack",
               fmt::format("num_threads = {}\nkernel_mode = \"{}\"\n", wanted.threads, kernels));
  add_settings(api, handle, "runtime_options_string",
               fmt::format("enable_profiling = {}\nerror_reporter_mode = {}\n", wanted.profile,
                           static_cast<int>(messages)));
  return options;
}

/// What was done, and how it ended; `result` is whole where the status is success.
struct Attempt {
  const char* refusal = nullptr;
  Status status = status_ok;
  Compiled result;
};

Attempt attempt(const Functions& api, Environment environment, ByteView bytes,
                const InterpreterOptions& options, Messages messages) {
  Attempt attempt;
  Model model = nullptr;
  attempt.refusal = "LiteRT can't read the model";
  attempt.status = api.create_model_from_buffer(environment, bytes.data(), bytes.size(), &model);
  if (attempt.status != status_ok) return attempt;
  attempt.result.model = Owned<Model>(model, api.destroy_model);

  attempt.refusal = "LiteRT refused the model";
  const Owned<Options> handle = make_options(api, options, messages);
  CompiledModel compiled = nullptr;
  attempt.status = api.create_compiled_model(environment, model, handle.get(), &compiled);
  if (attempt.status != status_ok) return attempt;
  attempt.result.compiled = Owned<CompiledModel>(compiled, api.destroy_compiled_model);
  return attempt;
}

/// Takes the lines that start with `prefix` out of the text; passes the others on to standard error, because
/// they may be from elsewhere in the process.
std::string take_lines(std::string_view text, std::string_view prefix) {
  std::string taken;
  std::string others;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    std::string_view line = text.substr(0, size);
    text.remove_prefix(size);
    if (!line.starts_with(prefix)) {
      if (line != "\n") others += line;
      continue;
    }
    line.remove_prefix(prefix.size());
    if (line.starts_with('['))
      line.remove_prefix(std::min(line.find("] ") + 2, line.size()));  // its source file
    while (line.ends_with('\n')) line.remove_suffix(1);
    if (!taken.empty() && !line.empty()) taken += "; ";
    taken += line;
  }
  write_standard_error(others);
  return taken;
}

/// Why LiteRT refused: it tells only its log, so the same is tried again with the log switched on and held
/// back.
std::string reasons_for_refusal(const LiteRt& litert, ByteView bytes, const InterpreterOptions& options) {
  static std::mutex mutex;  // the log's level is the process's
  const std::lock_guard lock(mutex);
  StandardErrorCapture capture;
  {
    const auto talking = make_environment(litert.functions(), LogLevel::errors);
    attempt(litert.functions(), talking.get(), bytes, options, Messages::standard_error);
  }
  make_environment(litert.functions(), LogLevel::silent);
  return take_lines(capture.finish(), "ERROR: ");
}

/// attempt() without the line about XNNPACK that LiteRT writes to standard error whatever the log's level,
/// once in the life of a process.
Attempt attempt_quietly(const LiteRt& litert, ByteView bytes, const InterpreterOptions& options) {
  static std::atomic<bool> announced{false};
  const bool first = options.kernels == Kernels::xnnpack && !announced.exchange(true);
  std::optional<StandardErrorCapture> capture;
  if (first) capture.emplace();
  Attempt result =
      attempt(litert.functions(), litert.environment(), bytes, options, Messages::compiled_model);
  if (first) {
    take_lines(capture->finish(), "INFO: Created TensorFlow Lite XNNPACK delegate");
    if (result.status != status_ok) announced = false;
  }
  return result;
}

}  // namespace

void fail(std::string_view what, Status status, std::string_view messages) {
  throw Error(ErrorCode::runtime, fmt::format("{} (status {}, {}){}{}", what, status, name_of_status(status),
                                              messages.empty() ? "" : ": ", messages));
}

void check(Status status, std::string_view what) {
  if (status != status_ok) fail(what, status);
}

Compiled compile_model(const LiteRt& litert, ByteView bytes, const InterpreterOptions& options) {
  Attempt result = attempt_quietly(litert, bytes, options);
  if (result.status != status_ok) {
    fail(result.refusal, result.status, reasons_for_refusal(litert, bytes, options));
  }
  return std::move(result.result);
}

}  // namespace calib8::litert
