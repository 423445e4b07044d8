#include "worker/library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>

#include "calib8/error.h"

namespace calib8::litert {
namespace {

namespace fs = std::filesystem;

constexpr int log_errors = 3;  // LiteRtLogSeverity

template <class Function>
void resolve(void* library, const fs::path& path, const char* symbol, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, symbol));
  if (function == nullptr) {
    throw Error(ErrorCode::runtime,
                fmt::format("has no function {}: calib8 needs ai-edge-litert 2.1.6 or later", symbol),
                path.string());
  }
}

Functions resolve_all(void* library, const fs::path& path) {
  Functions f{};
  const auto take = [&](const char* symbol, auto& function) { resolve(library, path, symbol, function); };
  take("LiteRtCreateEnvironment", f.create_environment);
  take("LiteRtDestroyEnvironment", f.destroy_environment);
  take("LiteRtCreateModelFromBuffer", f.create_model_from_buffer);
  take("LiteRtDestroyModel", f.destroy_model);
  take("LiteRtCreateOptions", f.create_options);
  take("LiteRtDestroyOptions", f.destroy_options);
  take("LiteRtSetOptionsHardwareAccelerators", f.set_hardware_accelerators);
  take("LiteRtCreateOpaqueOptions", f.create_opaque_options);
  take("LiteRtDestroyOpaqueOptions", f.destroy_opaque_options);
  take("LiteRtAddOpaqueOptions", f.add_opaque_options);
  take("LiteRtCreateCompiledModel", f.create_compiled_model);
  take("LiteRtDestroyCompiledModel", f.destroy_compiled_model);
  take("LiteRtRunCompiledModel", f.run_compiled_model);
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
  return f;
}

/// CPU kernels only, without a search for drivers of accelerators. Errors go to standard error, where they
/// are read when something fails.
Environment make_environment(const Functions& api) {
  const std::array<EnvironmentOption, 2> options = {
      EnvironmentOption{option_auto_register_accelerators, {any_int, {.int_value = accelerator_cpu}}},
      EnvironmentOption{option_minimum_log_severity, {any_int, {.int_value = log_errors}}}};
  Environment environment = nullptr;
  const Status status =
      api.create_environment(static_cast<int>(options.size()), options.data(), &environment);
  if (status != status_ok) {
    throw Error(ErrorCode::runtime,
                fmt::format("LiteRT did not start (status {}, {})", status, name_of_status(status)));
  }
  return environment;
}

}  // namespace

Library::Library(const fs::path& path) {
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    throw Error(ErrorCode::runtime, fmt::format("cannot be loaded: {}", dlerror()), path.string());
  functions_ = resolve_all(handle, path);
  environment_ = {make_environment(functions_), functions_.destroy_environment};
}

}  // namespace calib8::litert
