#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/dtype.h"
#include "base/shape.h"
#include "calib8/error.h"

/// What this process and the one that holds LiteRT say to each other. Both are of one build: calib8-runtime
/// refuses a caller with another protocol. Yet what it says is checked like a file: a model may have damaged
/// it.
///
///   connection     -> "open" of a model: settings, parts of the file; with the end of a channel for this
///   instance alone channel        <- ready: where each input and output lies in memory that both map
///                  -> run                    <- the time it took, or why it failed
///                  -> close                  <- the end of the channel, when nothing of the instance is left
namespace calib8::message {

/// Raised with every change of what is said here.
inline constexpr int protocol = 1;

/// The first number of each message to LiteRT's process.
enum class Request : std::uint64_t { open, run, close };

class Writer {
 public:
  template <std::integral Integer>
  Writer& put(Integer number) {
    const auto wide = static_cast<std::uint64_t>(number);
    const auto* const bytes = reinterpret_cast<const std::byte*>(&wide);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof wide);
    return *this;
  }
  Writer& put(Request request) { return put(static_cast<std::uint64_t>(request)); }
  Writer& put(std::string_view text) {
    put(text.size());
    const auto* const bytes = reinterpret_cast<const std::byte*>(text.data());
    bytes_.insert(bytes_.end(), bytes, bytes + text.size());
    return *this;
  }
  ByteView bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Fails with ErrorCode::runtime where a message ends too early.
class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}
  std::uint64_t number();
  /// A number below `limit`; fails where it isn't.
  std::uint64_t number_below(std::uint64_t limit);
  std::string text();

 private:
  ByteView take(std::size_t size);

  ByteView bytes_;
};

/// How an instance of a model is made.
struct Open {
  bool builtin_kernels = false;
  int threads = 1;
  std::vector<std::size_t> parts;  ///< Bytes of each part of the file; its descriptors come with the message.
};
Writer write(const Open& open);
Open read_open(Reader& reader);

/// An input or output of a model, and where its elements lie in the memory of the instance.
struct Endpoint {
  std::string name;
  DType dtype = DType::float32;
  Shape shape;
  std::size_t offset = 0, size = 0;  ///< Bytes.
};

/// What failed, for an Error of this process.
struct Failure {
  ErrorCode code = ErrorCode::runtime;
  std::string text;
};

/// The answer to "open": the failure, or all that follows; the memory's descriptor comes with the message.
struct Ready {
  std::optional<Failure> failure;
  std::size_t memory_size = 0;
  std::vector<Endpoint> inputs, outputs;
};
Writer write(const Ready& ready);
/// Endpoints lie within the memory, each as large as its type and shape say.
Ready read_ready(Reader& reader);

/// The answer to "run".
struct Ran {
  std::optional<Failure> failure;
  std::uint64_t nanoseconds = 0;
};
Writer write(const Ran& ran);
Ran read_ran(Reader& reader);

/// The first words of LiteRT's process: nothing, or why LiteRT can't be had.
Writer write(const std::optional<Failure>& failure);
std::optional<Failure> read_failure(Reader& reader);

}  // namespace calib8::message
