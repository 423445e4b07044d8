#include "base/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <system_error>

#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr std::size_t most_descriptors = 16;
constexpr std::uint64_t longest_message = std::uint64_t{1} << 30;  // bytes
constexpr int slice_milliseconds = 100;

/// Room for the descriptors of one message, aligned as the system wants it.
union ControlBuffer {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int) * most_descriptors)> bytes;
};

/// Sends the bytes, the descriptors with the first of them.
bool send_all(int socket, ByteView bytes, std::span<const int> descriptors) {
  while (!bytes.empty()) {
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    ControlBuffer control{};
    if (!descriptors.empty()) {
      header.msg_control = control.bytes.data();
      header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
      cmsghdr* const rights = CMSG_FIRSTHDR(&header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
      std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
    }
    const ssize_t count = ::sendmsg(socket, &header, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    descriptors = {};
  }
  return true;
}

void take_descriptors(msghdr& header, std::vector<Descriptor>& descriptors) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      descriptors.push_back(above_standard_streams(Descriptor(descriptor)));
    }
  }
}

}  // namespace

std::pair<Channel, Channel> Channel::make_pair() {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw Error(ErrorCode::runtime,
                "no connection to LiteRT's process can be made: " + std::generic_category().message(errno));
  }
  return {Channel(above_standard_streams(Descriptor(ends[0]))),
          Channel(above_standard_streams(Descriptor(ends[1])))};
}

bool Channel::send(ByteView message, std::span<const int> descriptors) {
  const std::uint64_t size = message.size();
  return send_all(socket_.get(), std::as_bytes(std::span(&size, 1)),
                  descriptors.first(std::min(descriptors.size(), most_descriptors))) &&
         send_all(socket_.get(), message, {});
}

bool Channel::wait_for_bytes(const std::function<void(double)>& waiting) {
  using Clock = std::chrono::steady_clock;
  constexpr double slice = slice_milliseconds / 1000.0;
  double waited = 0;
  while (true) {
    waiting(waited);
    const auto start = Clock::now();
    pollfd poll{socket_.get(), POLLIN, 0};
    const int ready = ::poll(&poll, 1, slice_milliseconds);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    waited = std::min(std::chrono::duration<double>(Clock::now() - start).count(), 2 * slice);
  }
}

bool Channel::receive_exactly(std::span<std::byte> bytes, std::vector<Descriptor>* descriptors,
                              const std::function<void(double)>& waiting) {
  while (!bytes.empty()) {
    if (waiting && !wait_for_bytes(waiting)) return false;
    iovec part{bytes.data(), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    ControlBuffer control{};
    if (descriptors != nullptr) {
      header.msg_control = control.bytes.data();
      header.msg_controllen = sizeof control.bytes;
    }
    const ssize_t count = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    if (descriptors != nullptr) take_descriptors(header, *descriptors);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

std::optional<Channel::Message> Channel::receive(const std::function<void(double)>& waiting) {
  Message message;
  std::uint64_t size = 0;
  if (!receive_exactly(std::as_writable_bytes(std::span(&size, 1)), &message.descriptors, waiting))
    return std::nullopt;
  if (size > longest_message) return std::nullopt;
  message.bytes.resize(size);
  if (!receive_exactly(message.bytes, nullptr, waiting)) return std::nullopt;
  return message;
}

void Channel::shut_down() noexcept {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace calib8
