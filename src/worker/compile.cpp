#include "worker/compile.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "calib8/error.h"

namespace calib8::litert {
namespace {

/// Where TFLite's kernels leave their messages: LiteRtErrorReporterMode.
enum class Messages { standard_error = 1, compiled_model = 2 };

constexpr const char* refused_options = "LiteRT refused its options";
constexpr std::size_t longest_reasons = std::size_t{1} << 16;  // bytes of the log

/// Gives LiteRT a group of settings as TOML text, which is how its own headers pass them.
void add_settings(const Functions& api, Options options, const char* group, const std::string& toml) {
  char* payload = ::strdup(toml.c_str());
  if (payload == nullptr) throw std::bad_alloc();
  std::unique_ptr<char, void (*)(void*)> owned(payload, std::free);
  OpaqueOptions handle = nullptr;
  check(api.create_opaque_options(group, payload, std::free, &handle), refused_options);
  owned.release();  // the options' now
  Owned<OpaqueOptions> opaque(handle, api.destroy_opaque_options);
  check(api.add_opaque_options(options, handle), refused_options);
  opaque.release();  // likewise
}

Owned<Options> make_options(const Functions& api, const CompileOptions& wanted, Messages messages) {
  Options handle = nullptr;
  check(api.create_options(&handle), refused_options);
  Owned<Options> options(handle, api.destroy_options);
  check(api.set_hardware_accelerators(handle, accelerator_cpu), refused_options);
  const char* kernels = wanted.builtin_kernels ? "builtin" : "delegate";
  add_settings(api, handle, "xnnpack",
               fmt::format("num_threads = {}\nkernel_mode = \"{}\"\n", wanted.threads, kernels));
  add_settings(api, handle, "runtime_options_string",
               fmt::format("error_reporter_mode = {}\n", static_cast<int>(messages)));
  return options;
}

/// What was done, and how it ended; `result` is whole where the status is success.
struct Attempt {
  const char* refusal = nullptr;
  Status status = status_ok;
  Compiled result;
};

Attempt attempt(const Library& library, ByteView bytes, const CompileOptions& options, Messages messages) {
  const Functions& api = library.functions();
  const Environment environment = library.environment();
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

/// The errors among the lines, without their source files, on one line.
std::string errors_in(std::string_view text) {
  constexpr std::string_view prefix = "ERROR: ";
  std::string errors;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    std::string_view line = text.substr(0, size);
    text.remove_prefix(size);
    if (!line.starts_with(prefix)) continue;
    line.remove_prefix(prefix.size());
    if (line.starts_with('[')) line.remove_prefix(std::min(line.find("] ") + 2, line.size()));
    while (line.ends_with('\n')) line.remove_suffix(1);
    if (!errors.empty() && !line.empty()) errors += "; ";
    errors += line;
  }
  return errors;
}

/// Why LiteRT refused: only its log tells, so the same is tried again with the kernels' messages in it.
std::string reasons_for_refusal(const Library& library, ByteView bytes, const CompileOptions& options) {
  const off_t start = ::lseek(STDERR_FILENO, 0, SEEK_END);
  attempt(library, bytes, options, Messages::standard_error);
  std::string text(longest_reasons, '\0');
  const ssize_t count = ::pread(STDERR_FILENO, text.data(), text.size(), start);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return errors_in(text);
}

}  // namespace

void fail(std::string_view what, Status status, std::string_view messages) {
  const bool out_of_memory = status == status_memory_allocation;
  throw Error(out_of_memory ? ErrorCode::runtime : ErrorCode::model,
              fmt::format("{} (status {}, {}){}{}", what, status, name_of_status(status),
                          messages.empty() ? "" : ": ", messages));
}

void check(Status status, std::string_view what) {
  if (status != status_ok) fail(what, status);
}

Compiled compile_model(const Library& library, ByteView bytes, const CompileOptions& options) {
  Attempt result = attempt(library, bytes, options, Messages::compiled_model);
  if (result.status != status_ok)
    fail(result.refusal, result.status, reasons_for_refusal(library, bytes, options));
  return std::move(result.result);
}

}  // namespace calib8::litert
