#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/channel.h"
#include "base/child_process.h"
#include "base/shared_memory.h"
#include "runtime/message.h"

namespace calib8 {

/// The process that holds LiteRT, seen from here. Instances of models in it are used side by side by any
/// threads.
class WorkerProcess {
 public:
  /// Starts it and waits until LiteRT is loaded. Fails with ErrorCode::runtime where that fails. `model` is
  /// the file that errors speak of.
  WorkerProcess(const std::filesystem::path& library, std::string model);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  /// Asks for an instance of a model; the answer comes on the channel that is given back.
  Channel open(const message::Open& settings, const SharedFile& file);

  /// The next message on an instance's channel. `doing` is what an error says was being done: "calibrating
  /// (sample 3)". Fails with
  ///  - ErrorCode::model where the process has crashed, as a bad model makes it;
  ///  - ErrorCode::runtime where it was killed, or gives no answer for `patience` seconds (0: no limit), upon
  ///  which it
  ///    is killed;
  ///  - ErrorCode::interrupted at Ctrl-C.
  Channel::Message receive(Channel& channel, std::string_view doing, double patience);

  /// An answer that says what failed, as the Error to throw.
  Error error_of(const message::Failure& failure, std::string_view doing) const;

 private:
  [[noreturn]] void fail_ended(std::string_view doing);
  [[noreturn]] void fail_hanging(std::string_view doing, double patience);
  std::string last_words() const;

  std::string model_;
  Descriptor standard_error_;  ///< Holds what the process wrote there.
  std::optional<Channel> connection_;
  std::mutex connection_mutex_;
  std::optional<ChildProcess> process_;
  std::mutex ending_mutex_;
  std::optional<Error> ending_;  ///< Why this process ended the other, where it did.
};

/// Seconds without an answer after which LiteRT is taken to hang: two minutes, and a second for each megabyte
/// of a model's file; CALIB8_RUNTIME_TIMEOUT in place of the two minutes, where 0 is no limit at all. Fails
/// with ErrorCode::usage where that is no number.
double patience_with(std::size_t model_bytes);

}  // namespace calib8
