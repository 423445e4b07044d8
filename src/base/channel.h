#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/descriptor.h"

namespace calib8 {

/// One end of a two-way connection between processes, for messages with descriptors. One thread at a time.
class Channel {
 public:
  explicit Channel(Descriptor socket) : socket_(std::move(socket)) {}
  /// Fails with ErrorCode::runtime where the system has no descriptor left.
  static std::pair<Channel, Channel> make_pair();

  /// False where the other end is gone. At most 16 descriptors, which the other end gets copies of.
  bool send(ByteView message, std::span<const int> descriptors = {});

  struct Message {
    std::vector<std::byte> bytes;
    std::vector<Descriptor> descriptors;
  };
  /// Waits for a message; nothing where the other end is gone, or sends what no channel sends. Calls
  /// `waiting` first and then every tenth of a second with the seconds since the last call, at most twice as
  /// many: a process that was stopped in between didn't wait. What `waiting` throws ends the wait.
  std::optional<Message> receive(const std::function<void(double seconds)>& waiting = {});

  /// Ends the connection for all processes that hold a copy of this end.
  void shut_down() noexcept;
  int descriptor() const { return socket_.get(); }

 private:
  bool wait_for_bytes(const std::function<void(double)>& waiting);
  bool receive_exactly(std::span<std::byte> bytes, std::vector<Descriptor>* descriptors,
                       const std::function<void(double)>& waiting);

  Descriptor socket_;
};

}  // namespace calib8
