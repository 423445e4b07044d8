#include "runtime/interpreter.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "calib8/error.h"

namespace calib8 {
namespace {

using namespace litert;

template <class Pointer>
using Owned = std::unique_ptr<std::remove_pointer_t<Pointer>, void (*)(Pointer)>;

constexpr std::size_t alignment = 64;  // bytes, of host memory for tensor buffers; others are refused with status 3
constexpr std::size_t slack = 64;      // bytes past the end, because XNNPACK's kernels may read up to 16 of them

[[noreturn]] void fail(std::string_view what, Status status, std::string_view messages = {}) {
  throw Error(ErrorCode::runtime, fmt::format("{} (status {}, {}){}{}", what, status, name_of_status(status),
                                              messages.empty() ? "" : ": ", messages));
}

void check(Status status, std::string_view what) {
  if (status != status_ok) fail(what, status);
}

std::optional<DType> dtype_of(int element_type) {
  switch (element_type) {
    case element_float32: return DType::float32;
    case element_float64: return DType::float64;
    case element_float16: return DType::float16;
    case element_bfloat16: return DType::bfloat16;
    case element_int8: return DType::int8;
    case element_uint8: return DType::uint8;
    case element_int16: return DType::int16;
    case element_uint16: return DType::uint16;
    case element_int32: return DType::int32;
    case element_uint32: return DType::uint32;
    case element_int64: return DType::int64;
    case element_uint64: return DType::uint64;
    case element_bool: return DType::boolean;
    default: return std::nullopt;
  }
}

/// Aligned memory of one input or output, known to LiteRT as a tensor buffer.
struct Buffer {
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete[](memory, std::align_val_t(alignment)); }
  };
  std::unique_ptr<std::byte[], Free> memory;
  std::size_t size = 0;  ///< Bytes.
  Owned<TensorBuffer> handle{nullptr, nullptr};
};

Buffer make_buffer(const Functions& api, const RankedTensorType& type, std::size_t size) {
  Buffer buffer;
  buffer.size = size;
  buffer.memory.reset(static_cast<std::byte*>(::operator new[](size + slack, std::align_val_t(alignment))));
  std::memset(buffer.memory.get(), 0, size + slack);
  TensorBuffer handle = nullptr;
  check(api.create_tensor_buffer(&type, buffer.memory.get(), size, nullptr, &handle), "LiteRT refused a tensor buffer");
  buffer.handle = Owned<TensorBuffer>(handle, api.destroy_tensor_buffer);
  return buffer;
}

/// All inputs or all outputs, in the signature's order.
struct Endpoints {
  std::vector<TensorInfo> tensors;
  std::vector<Buffer> buffers;
  std::vector<TensorBuffer> handles;  ///< Of the buffers, as one array for LiteRT.
};

void add_endpoint(const Functions& api, TensorHandle tensor, const char* name, Endpoints& endpoints) {
  RankedTensorType type{};
  if (const Status status = api.get_ranked_tensor_type(tensor, &type); status != status_ok) {
    fail(fmt::format("LiteRT gives no type for the tensor \"{}\"", name), status);
  }
  const auto dtype = dtype_of(type.element_type);
  if (!dtype) {
    throw Error(ErrorCode::runtime, fmt::format("the input or output \"{}\" has element type {}, which is not supported",
                                                name, type.element_type));
  }
  TensorInfo info{name, *dtype, Shape(type.layout.dimensions, type.layout.dimensions + type.layout.rank)};
  const auto count = element_count(info.shape);
  if (!count) {
    throw Error(ErrorCode::runtime, fmt::format("the input or output \"{}\" has the shape {}, only fixed sizes can run",
                                                name, to_string(info.shape)));
  }
  endpoints.buffers.push_back(make_buffer(api, type, static_cast<std::size_t>(*count) * size_of(*dtype)));
  endpoints.handles.push_back(endpoints.buffers.back().handle.get());
  endpoints.tensors.push_back(std::move(info));
}

Endpoints make_inputs(const Functions& api, Signature signature) {
  Endpoints inputs;
  Index count = 0;
  check(api.get_input_count(signature, &count), "LiteRT gives no inputs");
  for (Index index = 0; index < count; ++index) {
    const char* name = "";
    TensorHandle tensor = nullptr;
    check(api.get_input_name(signature, index, &name), "LiteRT gives no name for an input");
    check(api.get_input_tensor(signature, index, &tensor), "LiteRT gives no tensor for an input");
    add_endpoint(api, tensor, name, inputs);
  }
  return inputs;
}

Endpoints make_outputs(const Functions& api, Signature signature) {
  Endpoints outputs;
  Index count = 0;
  check(api.get_output_count(signature, &count), "LiteRT gives no outputs");
  for (Index index = 0; index < count; ++index) {
    const char* name = "";
    TensorHandle tensor = nullptr;
    check(api.get_output_name(signature, index, &name), "LiteRT gives no name for an output");
    check(api.get_output_tensor(signature, index, &tensor), "LiteRT gives no tensor for an output");
    add_endpoint(api, tensor, name, outputs);
  }
  return outputs;
}

/// Gives LiteRT a group of settings as TOML text, which is how its own headers pass them.
void add_settings(const Functions& api, Options options, const char* group, const std::string& toml) {
  char* payload = ::strdup(toml.c_str());
  if (payload == nullptr) throw std::bad_alloc();
  OpaqueOptions opaque = nullptr;
  check(api.create_opaque_options(group, payload, std::free, &opaque), "LiteRT refused its options");
  check(api.add_opaque_options(options, opaque), "LiteRT refused its options");
}

Owned<Options> make_options(const Functions& api, const InterpreterOptions& wanted) {
  Options handle = nullptr;
  check(api.create_options(&handle), "LiteRT refused its options");
  Owned<Options> options(handle, api.destroy_options);
  check(api.set_hardware_accelerators(handle, accelerator_cpu), "LiteRT refused its options");
  add_settings(api, handle, "xnnpack",
               fmt::format("num_threads = {}\nkernel_mode = \"{}\"\n", wanted.threads,
                           wanted.kernels == Kernels::xnnpack ? "delegate" : "builtin"));
  add_settings(api, handle, "runtime_options_string",
               fmt::format("enable_profiling = {}\nerror_reporter_mode = 2\n", wanted.profile));
  return options;
}

}  // namespace

struct Interpreter::State {
  // In this order, because each needs those above it to be destroyed after it.
  std::shared_ptr<const LiteRt> litert;
  Data bytes;
  Owned<Model> model{nullptr, nullptr};
  Owned<CompiledModel> compiled{nullptr, nullptr};
  Endpoints inputs;
  Endpoints outputs;
  Profiler profiler = nullptr;  ///< Belongs to the compiled model.

  const Functions& api() const { return litert->functions(); }

  std::string messages() const {
    char* text = nullptr;
    if (api().get_error_messages(compiled.get(), &text) != status_ok || text == nullptr) return {};
    const std::unique_ptr<char, void (*)(void*)> owner(text, std::free);
    return text;
  }
};

Interpreter::Interpreter(std::shared_ptr<const LiteRt> litert, Data model, InterpreterOptions options)
    : state_(std::make_unique<State>()) {
  state_->litert = std::move(litert);
  state_->bytes = std::move(model);
  const Functions& api = state_->api();

  Model model_handle = nullptr;
  check(api.create_model_from_buffer(state_->litert->environment(), state_->bytes.bytes().data(), state_->bytes.size(),
                                     &model_handle),
        "LiteRT can't read the model");
  state_->model = Owned<Model>(model_handle, api.destroy_model);

  Signature signature = nullptr;
  check(api.get_model_signature(model_handle, 0, &signature), "LiteRT finds no signature in the model");
  state_->inputs = make_inputs(api, signature);
  state_->outputs = make_outputs(api, signature);

  const Owned<Options> compile_options = make_options(api, options);
  CompiledModel compiled = nullptr;
  check(api.create_compiled_model(state_->litert->environment(), model_handle, compile_options.get(), &compiled),
        "LiteRT refused the model");
  state_->compiled = Owned<CompiledModel>(compiled, api.destroy_compiled_model);
  if (options.profile) {
    check(api.get_profiler(compiled, &state_->profiler), "LiteRT gives no profiler");
    check(api.start_profiler(state_->profiler), "LiteRT's profiler did not start");
  }
}

Interpreter::~Interpreter() = default;
Interpreter::Interpreter(Interpreter&&) noexcept = default;
Interpreter& Interpreter::operator=(Interpreter&&) noexcept = default;

const std::vector<TensorInfo>& Interpreter::inputs() const { return state_->inputs.tensors; }
const std::vector<TensorInfo>& Interpreter::outputs() const { return state_->outputs.tensors; }

std::span<std::byte> Interpreter::input(std::size_t index) {
  Buffer& buffer = state_->inputs.buffers.at(index);
  return {buffer.memory.get(), buffer.size};
}

std::span<const std::byte> Interpreter::output(std::size_t index) const {
  const Buffer& buffer = state_->outputs.buffers.at(index);
  return {buffer.memory.get(), buffer.size};
}

void Interpreter::run() {
  Endpoints& inputs = state_->inputs;
  Endpoints& outputs = state_->outputs;
  const Status status =
      state_->api().run_compiled_model(state_->compiled.get(), 0, inputs.handles.size(), inputs.handles.data(),
                                       outputs.handles.size(), outputs.handles.data());
  if (status != status_ok) fail("LiteRT could not run the model", status, state_->messages());
}

bool Interpreter::fully_accelerated() const {
  bool fully = false;
  check(state_->api().is_fully_accelerated(state_->compiled.get(), &fully), "LiteRT does not say what XNNPACK runs");
  return fully;
}

std::string Interpreter::profile() const {
  if (state_->profiler == nullptr) throw Error(ErrorCode::internal, "the interpreter was made without a profiler");
  const char* summary = nullptr;
  check(state_->api().get_profile_summary(state_->profiler, state_->compiled.get(), &summary), "LiteRT gives no profile");
  return summary == nullptr ? "" : summary;
}

}  // namespace calib8
