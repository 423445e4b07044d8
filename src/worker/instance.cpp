#include "worker/instance.h"

#include <sys/mman.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <new>
#include <system_error>
#include <thread>

#include "calib8/error.h"

namespace calib8::litert {
namespace {

[[noreturn]] void fail_to_map() {
  throw Error(ErrorCode::runtime, "the model can't be mapped: " + std::generic_category().message(errno));
}

/// As many threads as the system gives, at most `wanted`: LiteRT's pool of threads waits forever for those
/// that it didn't get.
int threads_to_be_had(int wanted) {
  int count = 1;
  try {
    std::vector<std::jthread> others;
    for (; count < wanted; ++count) others.emplace_back([] {});
  } catch (const std::system_error&) {
    return count;  // what there is must do
  }
  return count;
}

/// What `action` fails with, for the caller's process: LiteRT throws where it says that it doesn't.
template <class Action>
std::optional<message::Failure> failure_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return message::Failure{error.code(), error.message()};
  } catch (const std::bad_alloc&) {
    return message::Failure{ErrorCode::runtime, "the memory is not enough to run the model"};
  } catch (const std::exception& error) {
    return message::Failure{ErrorCode::model, std::string("LiteRT can't run the model: ") + error.what()};
  }
  return std::nullopt;
}

}  // namespace

MappedFile::MappedFile(const std::vector<std::size_t>& sizes, std::span<const Descriptor> parts) {
  std::size_t size = 0;
  for (const std::size_t part : sizes) size += part;
  // A page of zeros behind, because XNNPACK's kernels may read up to 16 bytes past a constant's end.
  reserved_ = (size + 2 * page_size - 1) / page_size * page_size;
  memory_ = ::mmap(nullptr, reserved_, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory_ == MAP_FAILED) fail_to_map();
  auto* place = static_cast<std::byte*>(memory_);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) continue;
    if (::mmap(place, sizes[i], PROT_READ, MAP_SHARED | MAP_FIXED, parts[i].get(), 0) == MAP_FAILED)
      fail_to_map();
    place += sizes[i];
  }
  bytes_ = {static_cast<const std::byte*>(memory_), size};
}

MappedFile::~MappedFile() {
  ::munmap(memory_, reserved_);
}

Instance::Instance(const Library& library, Channel channel, const message::Open& request,
                   std::span<const Descriptor> file)
    : library_(library), channel_(std::move(channel)) {
  message::Ready ready;
  ready.failure = failure_of([&] { ready = make_ready(request, file); });
  std::vector<int> descriptors;
  if (memory_) descriptors.push_back(memory_->descriptor());
  channel_.send(message::write(ready).bytes(), descriptors);
}

message::Ready Instance::make_ready(const message::Open& request, std::span<const Descriptor> file) {
  const Functions& api = library_.functions();
  file_ = std::make_unique<MappedFile>(request.parts, file);
  model_ =
      compile_model(library_, file_->bytes(), {request.builtin_kernels, threads_to_be_had(request.threads)});
  Signature signature = nullptr;
  check(api.get_model_signature(model_.model.get(), 0, &signature), "LiteRT finds no signature in the model");
  std::size_t end = 0;
  inputs_ = find_endpoints(api, signature, Direction::input, end);
  outputs_ = find_endpoints(api, signature, Direction::output, end);
  auto memory = SharedMemory::create(end);
  make_buffers(api, *memory, inputs_);
  make_buffers(api, *memory, outputs_);
  memory_ = std::move(memory);
  return {std::nullopt, end, inputs_.tensors, outputs_.tensors};
}

/// The messages of the kernels since the last call.
std::string Instance::take_messages() {
  char* text = nullptr;
  const Functions& api = library_.functions();
  if (api.get_error_messages(model_.compiled.get(), &text) != status_ok || text == nullptr) return {};
  const std::unique_ptr<char, void (*)(void*)> owner(text, std::free);
  api.clear_errors(model_.compiled.get());
  std::string messages;
  for (const char* character = text; *character != '\0'; ++character) {
    if (*character != '\n') messages += *character;
    if (*character == '\n' && *(character + 1) > '\n') messages += "; ";
  }
  return messages;
}

message::Ran Instance::run() {
  message::Ran ran;
  ran.failure = failure_of([&] {
    const auto start = std::chrono::steady_clock::now();
    const Status status = library_.functions().run_compiled_model(
        model_.compiled.get(), 0, inputs_.handles.size(), inputs_.handles.data(), outputs_.handles.size(),
        outputs_.handles.data());
    if (status != status_ok) fail("LiteRT could not run the model", status, take_messages());
    const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - start;
    ran.nanoseconds = static_cast<std::uint64_t>(taken.count());
  });
  return ran;
}

bool Instance::serve() {
  const auto message = channel_.receive();
  if (!message) return false;
  message::Reader reader(message->bytes);
  if (!memory_ || reader.number() != static_cast<std::uint64_t>(message::Request::run)) return false;
  return channel_.send(message::write(run()).bytes());
}

}  // namespace calib8::litert
