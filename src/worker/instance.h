#pragma once

#include <memory>

#include "base/channel.h"
#include "runtime/message.h"
#include "worker/compile.h"
#include "worker/endpoints.h"

namespace calib8::litert {

/// The parts of a file, one behind the other in memory, as other processes wrote them.
class MappedFile {
 public:
  /// Fails with ErrorCode::runtime where they can't be mapped.
  MappedFile(const std::vector<std::size_t>& sizes, std::span<const Descriptor> parts);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ByteView bytes() const { return bytes_; }

 private:
  void* memory_ = nullptr;
  std::size_t reserved_ = 0;
  ByteView bytes_;
};

/// A model made ready to run, which serves the requests of one channel.
class Instance {
 public:
  /// `request` is message::Open with its number read, and `descriptors` are the channel and the file's parts.
  /// Says on the channel that it is ready, or why it isn't.
  Instance(const Library& library, Channel channel, const message::Open& request,
           std::span<const Descriptor> file);

  /// Waits for one request and serves it; false at the last one.
  bool serve();
  int descriptor() const { return channel_.descriptor(); }

 private:
  message::Ready make_ready(const message::Open& request, std::span<const Descriptor> file);
  message::Ran run();
  std::string take_messages();

  // In this order, because each needs those above it to be destroyed after it.
  const Library& library_;
  Channel channel_;
  std::unique_ptr<MappedFile> file_;
  std::shared_ptr<SharedMemory> memory_;
  Compiled model_;
  Endpoints inputs_, outputs_;
};

}  // namespace calib8::litert
