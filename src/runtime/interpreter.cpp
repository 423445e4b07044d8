#include "runtime/interpreter.h"

#include <cstdlib>
#include <utility>

#include "calib8/error.h"
#include "runtime/compile.h"
#include "runtime/endpoints.h"

namespace calib8 {

using namespace litert;

struct Interpreter::State {
  // In this order, because each needs those above it to be destroyed after it.
  std::shared_ptr<const LiteRt> litert;
  Data bytes;
  Compiled model;
  Endpoints inputs;
  Endpoints outputs;
  Profiler profiler = nullptr;  ///< Belongs to the compiled model.

  const Functions& api() const { return litert->functions(); }

  /// The messages of the kernels since the last call.
  std::string take_messages() {
    char* text = nullptr;
    if (api().get_error_messages(model.compiled.get(), &text) != status_ok || text == nullptr) return {};
    const std::unique_ptr<char, void (*)(void*)> owner(text, std::free);
    api().clear_errors(model.compiled.get());
    std::string messages;
    for (const char* character = text; *character != '\0'; ++character) {
      if (*character != '\n') messages += *character;
      if (*character == '\n' && *(character + 1) > '\n') messages += "; ";
    }
    return messages;
  }
};

Interpreter::Interpreter(std::shared_ptr<const LiteRt> litert, Data model, InterpreterOptions options)
    : state_(std::make_unique<State>()) {
  if (options.threads < 1) throw Error(ErrorCode::internal, "an interpreter needs at least one thread");
  state_->litert = std::move(litert);
  state_->bytes = std::move(model);
  const Functions& api = state_->api();
  state_->model = compile_model(*state_->litert, state_->bytes.bytes(), options);

  Signature signature = nullptr;
  check(api.get_model_signature(state_->model.model.get(), 0, &signature),
        "LiteRT finds no signature in the model");
  state_->inputs = make_endpoints(api, signature, Direction::input);
  state_->outputs = make_endpoints(api, signature, Direction::output);
  if (options.profile) {
    check(api.get_profiler(state_->model.compiled.get(), &state_->profiler), "LiteRT gives no profiler");
    check(api.start_profiler(state_->profiler), "LiteRT's profiler does not start");
  }
}

Interpreter::~Interpreter() = default;
Interpreter::Interpreter(Interpreter&&) noexcept = default;
Interpreter& Interpreter::operator=(Interpreter&&) noexcept = default;

const std::vector<TensorInfo>& Interpreter::inputs() const {
  return state_->inputs.tensors;
}
const std::vector<TensorInfo>& Interpreter::outputs() const {
  return state_->outputs.tensors;
}

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
      state_->api().run_compiled_model(state_->model.compiled.get(), 0, inputs.handles.size(),
                                       inputs.handles.data(), outputs.handles.size(), outputs.handles.data());
  if (status != status_ok) fail("LiteRT could not run the model", status, state_->take_messages());
}

bool Interpreter::fully_accelerated() const {
  bool fully = false;
  check(state_->api().is_fully_accelerated(state_->model.compiled.get(), &fully),
        "LiteRT does not say what XNNPACK runs");
  return fully;
}

std::vector<ProfiledOp> Interpreter::profile() const {
  if (state_->profiler == nullptr)
    throw Error(ErrorCode::internal, "the interpreter was made without a profiler");
  char* summary = nullptr;
  check(state_->api().get_profile_summary(state_->profiler, state_->model.compiled.get(), &summary),
        "LiteRT gives no profile");
  if (summary == nullptr) throw Error(ErrorCode::runtime, "LiteRT's profile is empty");
  const std::unique_ptr<char, void (*)(void*)> owner(summary, std::free);
  return parse_profile(summary);
}

}  // namespace calib8
