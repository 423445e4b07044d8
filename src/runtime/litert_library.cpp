#include "runtime/litert_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "calib8/error.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view library_name = "libLiteRt.so";
constexpr std::string_view package_name = "ai_edge_litert";
constexpr std::array<int, 3> oldest_version{2, 1,
                                            6};  // before it, create_model_from_buffer took other arguments

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// The library in a site-packages folder.
std::optional<fs::path> in_site_packages(const fs::path& folder) {
  fs::path library = folder / package_name / library_name;
  if (is_file(library)) return library;
  return std::nullopt;
}

/// The library in an environment with bin/ and lib/python3*/site-packages; the first in the order of names.
std::optional<fs::path> in_environment(const fs::path& prefix) {
  std::error_code failure;
  std::vector<fs::path> pythons;
  for (fs::directory_iterator entry(prefix / "lib", failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (entry->path().filename().string().starts_with("python3")) pythons.push_back(entry->path());
  }
  std::sort(pythons.begin(), pythons.end());
  for (const fs::path& python : pythons) {
    if (auto library = in_site_packages(python / "site-packages")) return library;
  }
  return std::nullopt;
}

fs::path from_environment_variable(const char* value) {
  const fs::path path(value);
  if (is_file(path)) return path;
  if (is_file(path / library_name)) return path / library_name;
  if (auto library = in_site_packages(path)) return *library;
  throw Error(ErrorCode::runtime,
              "CALIB8_LITERT names neither libLiteRt.so nor a folder that holds it; correct or unset it",
              value);
}

/// The program or shared object that holds this code.
std::optional<fs::path> own_object() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&own_object), &info) == 0 || info.dli_fname == nullptr)
    return std::nullopt;
  std::error_code failure;
  fs::path path = fs::canonical(info.dli_fname, failure);
  if (failure) return std::nullopt;
  return path;
}

std::optional<std::array<int, 3>> parse_version(std::string_view text) {
  std::array<int, 3> parts{};
  for (std::size_t index = 0; index < parts.size(); ++index) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), parts[index]);
    if (failure != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.empty()) text.remove_prefix(1);  // the dot
  }
  return parts;
}

template <class Function>
void resolve(void* library, const fs::path& path, const char* symbol, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, symbol));
  if (function == nullptr) {
    throw Error(ErrorCode::runtime,
                fmt::format("has no function {}: calib8 needs ai-edge-litert 2.1.6 or later", symbol),
                path.string());
  }
}

litert::Functions resolve_all(void* library, const fs::path& path) {
  litert::Functions f{};
  const auto take = [&](const char* symbol, auto& function) { resolve(library, path, symbol, function); };
  take("LiteRtCreateEnvironment", f.create_environment);
  take("LiteRtDestroyEnvironment", f.destroy_environment);
  take("LiteRtCreateModelFromBuffer", f.create_model_from_buffer);
  take("LiteRtDestroyModel", f.destroy_model);
  take("LiteRtCreateOptions", f.create_options);
  take("LiteRtDestroyOptions", f.destroy_options);
  take("LiteRtSetOptionsHardwareAccelerators", f.set_hardware_accelerators);
  take("LiteRtCreateOpaqueOptions", f.create_opaque_options);
  take("LiteRtAddOpaqueOptions", f.add_opaque_options);
  take("LiteRtCreateCompiledModel", f.create_compiled_model);
  take("LiteRtDestroyCompiledModel", f.destroy_compiled_model);
  take("LiteRtRunCompiledModel", f.run_compiled_model);
  take("LiteRtCompiledModelIsFullyAccelerated", f.is_fully_accelerated);
  take("LiteRtCompiledModelGetErrorMessages", f.get_error_messages);
  take("LiteRtCompiledModelClearErrors", f.clear_errors);
  take("LiteRtCreateTensorBufferFromHostMemory", f.create_tensor_buffer);
  take("LiteRtDestroyTensorBuffer", f.destroy_tensor_buffer);
  take("LiteRtGetModelSignature", f.get_model_signature);
  take("LiteRtGetNumSignatureInputs", f.get_input_count);
  take("LiteRtGetNumSignatureOutputs", f.get_output_count);
  take("LiteRtGetSignatureInputName", f.get_input_name);
  take("LiteRtGetSignatureOutputName", f.get_output_name);
  take("LiteRtGetSignatureInputTensorByIndex", f.get_input_tensor);
  take("LiteRtGetSignatureOutputTensorByIndex", f.get_output_tensor);
  take("LiteRtGetRankedTensorType", f.get_ranked_tensor_type);
  take("LiteRtCompiledModelGetProfiler", f.get_profiler);
  take("LiteRtStartProfiler", f.start_profiler);
  take("LiteRtStopProfiler", f.stop_profiler);
  take("LiteRtGetProfileSummary", f.get_profile_summary);
  return f;
}

void refuse_old_version(const fs::path& library) {
  const auto text = litert_version(library);
  if (!text) return;  // a library by itself: its functions are all that can be checked
  const auto version = parse_version(*text);
  if (version && *version < oldest_version) {
    throw Error(
        ErrorCode::runtime,
        fmt::format("is of ai-edge-litert {}, calib8 needs 2.1.6 or later: pip install -U ai-edge-litert",
                    *text),
        library.string());
  }
}

}  // namespace

LiteRt::LiteRt(const fs::path& library) : path_(library) {
  refuse_old_version(library);
  // Never closed: LiteRT's threads and statics may outlive us.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    throw Error(ErrorCode::runtime, fmt::format("cannot be loaded: {}", dlerror()), library.string());
  }
  functions_ = resolve_all(handle, library);

  environment_ = litert::make_environment(functions_, litert::LogLevel::silent);
}

std::optional<fs::path> find_litert() {
  if (const char* value = std::getenv("CALIB8_LITERT"); value != nullptr && *value != '\0') {
    return from_environment_variable(value);
  }
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  if (!failure) {
    if (auto library = in_environment(program.parent_path().parent_path())) return library;
  }
  if (const auto object = own_object()) {
    // site-packages/calib8/<module>.so, or a program some folders deeper in the package.
    fs::path folder = object->parent_path();
    for (int level = 0; level < 3 && folder.has_relative_path(); ++level) {
      folder = folder.parent_path();
      if (auto library = in_site_packages(folder)) return library;
    }
  }
  if (const char* value = std::getenv("VIRTUAL_ENV"); value != nullptr && *value != '\0') {
    return in_environment(value);
  }
  return std::nullopt;
}

std::optional<std::string> litert_version(const fs::path& library) {
  std::error_code failure;
  const fs::path site_packages = fs::absolute(library, failure).parent_path().parent_path();
  for (fs::directory_iterator entry(site_packages, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(package_name) || !name.ends_with(".dist-info")) continue;
    const std::size_t dash =
        name.find('-');  // ai_edge_litert-2.3.0.dist-info, ai_edge_litert_nightly-2.4.0.dev1.dist-info
    const std::size_t suffix = name.rfind(".dist-info");
    if (dash != std::string::npos && dash + 1 < suffix) return name.substr(dash + 1, suffix - dash - 1);
  }
  return std::nullopt;
}

std::shared_ptr<const LiteRt> open_litert(const fs::path& library) {
  static std::mutex mutex;
  static std::map<fs::path, std::weak_ptr<const LiteRt>> opened;
  std::error_code failure;
  fs::path path = fs::weakly_canonical(library, failure);
  if (failure) path = library;
  const std::lock_guard lock(mutex);
  std::weak_ptr<const LiteRt>& slot = opened[path];
  auto open = slot.lock();
  if (!open) {
    open = std::make_shared<const LiteRt>(path);
    slot = open;
  }
  return open;
}

std::shared_ptr<const LiteRt> open_litert() {
  const auto library = find_litert();
  if (!library) {
    throw Error(ErrorCode::runtime,
                "LiteRT was not found: pip install ai-edge-litert into the environment of calib8, or set "
                "CALIB8_LITERT "
                "to the path of libLiteRt.so");
  }
  return open_litert(*library);
}

}  // namespace calib8

namespace calib8::litert {

OwnedEnvironment make_environment(const Functions& api, LogLevel level) {
  std::array<EnvironmentOption, 2> options{};
  options[0] = {option_auto_register_accelerators, {any_int, {.int_value = accelerator_cpu}}};
  options[1] = {option_minimum_log_severity, {any_int, {.int_value = static_cast<int>(level)}}};
  Environment environment = nullptr;
  const Status status =
      api.create_environment(static_cast<int>(options.size()), options.data(), &environment);
  if (status != status_ok) {
    throw Error(ErrorCode::runtime,
                fmt::format("LiteRT did not start (status {}, {})", status, name_of_status(status)));
  }
  return OwnedEnvironment(environment, api.destroy_environment);
}

const char* name_of_status(Status status) {
  switch (status) {
    case 0:
      return "Ok";
    case 1:
      return "InvalidArgument";
    case 2:
      return "MemoryAllocation";
    case 3:
      return "RuntimeFailure";
    case 4:
      return "MissingInputTensor";
    case 5:
      return "Unsupported";
    case 6:
      return "NotFound";
    case 7:
      return "Timeout";
    case 8:
      return "WrongVersion";
    case 9:
      return "Unknown";
    case 10:
      return "AlreadyExists";
    case 100:
      return "Cancelled";
    case 500:
      return "FileIO";
    case 501:
      return "InvalidFlatbuffer";
    case 502:
      return "DynamicLoading";
    case 503:
      return "Serialization";
    case 504:
      return "Compilation";
    case 1000:
      return "IndexOutOfBounds";
    case 1001:
      return "InvalidIrType";
    case 1002:
      return "InvalidGraphInvariant";
    case 1003:
      return "GraphModification";
    default:
      return "unknown";
  }
}

}  // namespace calib8::litert
