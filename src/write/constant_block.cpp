#include "write/constant_block.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/pages.h"
#include "calib8/error.h"
#include "write/tflite_layout.h"

namespace calib8 {
namespace {

/// Of constants, for SIMD; of the room, so that constants begin on a page.
constexpr std::size_t constant_alignment = 64, page = 4096;
/// A variant has up to three operators for one, a reduction to each side of a tensor; and some room to spare.
constexpr std::size_t room_per_table_byte = 8, least_room = std::size_t{1} << 20;

std::size_t rounded_up(std::size_t size, std::size_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

}  // namespace

ConstantBlock::ConstantBlock(TfliteGraph& graph) {
  const TfliteLayout layout = lay_out(graph, {});
  std::vector<std::size_t> position(layout.buffers.size());
  for (std::size_t i = 0; i < layout.buffers.size(); ++i) {
    position[i] = constant_bytes_;
    constant_bytes_ += rounded_up(layout.buffers[i].size(), constant_alignment);
  }
  const std::size_t tables = serialize_tables(graph, {}, [](ByteView) { return std::uint64_t{2}; }).size();
  file_size_ = tables + constant_bytes_;
  room_ = rounded_up(std::max(room_per_table_byte * tables, least_room), page);
  memory_ = allocate_pages(room_ + constant_bytes_);

  std::byte* const constants = memory_.get() + room_;
  std::vector<bool> is_copied(layout.buffers.size(), false);
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    TfliteTensor& tensor = graph[layout.tensors[i]];
    const std::uint32_t buffer = layout.tensor_buffer[i];
    if (!tensor.is_constant() || buffer == 0) continue;
    const std::size_t size = tensor.constant->size();
    // The first of equal constants is copied; its own bytes may be gone when the next is met.
    if (!is_copied[buffer]) std::memcpy(constants + position[buffer], tensor.constant->bytes().data(), size);
    is_copied[buffer] = true;
    tensor.constant = Data(memory_, {constants + position[buffer], size});
  }
}

Data ConstantBlock::file_of(const TfliteGraph& graph, const TfliteFileOptions& options) const {
  if (!in_use_.expired()) throw Error(ErrorCode::internal, "two files of one block of constants at a time");
  const std::byte* const begin = memory_.get();
  const auto offset_in_block = [&](ByteView bytes) -> std::optional<std::uint64_t> {
    const bool inside = bytes.data() >= begin + room_ && bytes.data() < begin + room_ + constant_bytes_;
    // The format takes an offset for one where the size is above 1.
    return inside && bytes.size() > 1 ? std::optional<std::uint64_t>(bytes.data() - begin) : std::nullopt;
  };
  const Data tables = serialize_tables(graph, options, offset_in_block);
  if (tables.size() > room_) return serialize_tflite(graph, options);
  std::memcpy(memory_.get(), tables.bytes().data(), tables.size());
  const std::shared_ptr<const void> lease(memory_.get(), [memory = memory_](const void*) {});
  in_use_ = lease;
  return Data(lease, {begin, room_ + constant_bytes_});
}

}  // namespace calib8
