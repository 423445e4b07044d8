#include "runtime/interpreter.h"

#include <utility>

#include "calib8/error.h"
#include "runtime/worker_process.h"

namespace calib8 {
namespace {

struct Place {
  std::size_t offset, size;  // bytes, in the memory that is shared
};

void take(const std::vector<message::Endpoint>& endpoints, std::vector<TensorInfo>& tensors,
          std::vector<Place>& places) {
  for (const message::Endpoint& endpoint : endpoints) {
    tensors.push_back({endpoint.name, endpoint.dtype, endpoint.shape});
    places.push_back({endpoint.offset, endpoint.size});
  }
}

}  // namespace

struct Interpreter::State {
  std::shared_ptr<const LiteRt> litert;
  std::string purpose;
  double patience = 0;  ///< Seconds.
  std::optional<Channel> channel;
  std::shared_ptr<SharedMemory> memory;
  std::vector<TensorInfo> inputs, outputs;
  std::vector<Place> input_places, output_places;
  bool waits_for_request = false;  ///< Whether LiteRT's process can be asked for something.

  std::string doing(std::optional<std::size_t> sample) const {
    if (!sample) return purpose;
    return purpose + (purpose.empty() ? "running sample " : ", sample ") + std::to_string(*sample);
  }

  /// Whether the answer came; what failed is the instance's own matter, which goes anyhow.
  void close() noexcept try {
    channel->send(message::Writer().put(message::Request::close).bytes());
    double waited = 0;
    const auto wait = [&](double seconds) {
      waited += seconds;
      if (patience > 0 && waited > patience)
        throw Error(ErrorCode::runtime, "LiteRT does not let go of a model");
    };
    channel->receive(wait);
  } catch (const std::exception&) {
    // The process hangs or memory is out: whoever asks LiteRT for more is told so.
    return;
  }

  ~State() {
    if (channel && waits_for_request) close();
  }
};

Interpreter::Interpreter(std::shared_ptr<const LiteRt> litert, const SharedFile& model,
                         InterpreterOptions options)
    : state_(std::make_unique<State>()) {
  if (options.threads < 1) throw Error(ErrorCode::internal, "an interpreter needs at least one thread");
  State& state = *state_;
  state.litert = std::move(litert);
  state.purpose = std::move(options.purpose);
  state.patience = patience_with(model.size());
  WorkerProcess& process = state.litert->process();
  message::Open settings{options.kernels == Kernels::builtin, options.threads, {}};
  for (const SharedFile::Part& part : model.parts) settings.parts.push_back(part.size);
  state.channel.emplace(process.open(settings, model));

  const std::string doing = "making the model ready" + (state.purpose.empty() ? "" : " for " + state.purpose);
  Channel::Message answer = process.receive(*state.channel, doing, state.patience);
  message::Reader reader(answer.bytes);
  message::Ready ready = message::read_ready(reader);
  if (ready.failure) throw process.error_of(*ready.failure, "");
  if (answer.descriptors.empty())
    throw Error(ErrorCode::runtime, "no descriptor is left for the model's inputs and outputs");
  state.memory = SharedMemory::adopt(std::move(answer.descriptors.front()), ready.memory_size);
  take(ready.inputs, state.inputs, state.input_places);
  take(ready.outputs, state.outputs, state.output_places);
  state.waits_for_request = true;
}

Interpreter::~Interpreter() = default;
Interpreter::Interpreter(Interpreter&&) noexcept = default;
Interpreter& Interpreter::operator=(Interpreter&&) noexcept = default;

const std::vector<TensorInfo>& Interpreter::inputs() const {
  return state_->inputs;
}
const std::vector<TensorInfo>& Interpreter::outputs() const {
  return state_->outputs;
}

std::span<std::byte> Interpreter::input(std::size_t index) {
  const Place& place = state_->input_places.at(index);
  return state_->memory->bytes().subspan(place.offset, place.size);
}

std::span<const std::byte> Interpreter::output(std::size_t index) const {
  const Place& place = state_->output_places.at(index);
  return state_->memory->bytes().subspan(place.offset, place.size);
}

std::chrono::nanoseconds Interpreter::run(std::optional<std::size_t> sample) {
  State& state = *state_;
  WorkerProcess& process = state.litert->process();
  state.channel->send(message::Writer().put(message::Request::run).bytes());
  state.waits_for_request = false;
  const Channel::Message answer = process.receive(*state.channel, state.doing(sample), state.patience);
  message::Reader reader(answer.bytes);
  const message::Ran ran = message::read_ran(reader);
  state.waits_for_request = true;
  if (ran.failure) throw process.error_of(*ran.failure, state.doing(sample));
  return std::chrono::nanoseconds(ran.nanoseconds);
}

}  // namespace calib8
