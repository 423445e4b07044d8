#include "write/constant_block.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "calib8/error.h"
#include "write/tflite_layout.h"

namespace calib8 {
namespace {

constexpr std::size_t constant_alignment = 64;  // bytes, for SIMD
constexpr std::size_t largest_file = std::size_t{1} << 31;

std::size_t rounded_up(std::size_t size, std::size_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

}  // namespace

ConstantBlock::ConstantBlock(TfliteGraph& graph) {
  const TfliteLayout layout = lay_out(graph, {});
  std::vector<std::size_t> position(layout.buffers.size());
  std::size_t constant_bytes = 0;
  for (std::size_t i = 0; i < layout.buffers.size(); ++i) {
    position[i] = constant_bytes;
    constant_bytes += rounded_up(layout.buffers[i].size(), constant_alignment);
  }
  const std::size_t tables = serialize_tables(graph, {}, [](ByteView) { return std::uint64_t{2}; }).size();
  file_size_ = tables + constant_bytes;
  memory_ = SharedMemory::create(constant_bytes);

  std::byte* const constants = memory_->bytes().data();
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

SharedFile ConstantBlock::file_of(const TfliteGraph& graph, const TfliteFileOptions& options) const {
  const std::span<const std::byte> constants = memory_->bytes();
  // An offset has the same size whatever it says: the tables tell how far behind the constants begin.
  std::size_t begin = page_size;
  const auto offset_in_file = [&](ByteView bytes) -> std::optional<std::uint64_t> {
    const bool inside =
        bytes.data() >= constants.data() && bytes.data() < constants.data() + constants.size();
    // The format takes an offset for one where the size is above 1.
    return inside && bytes.size() > 1
               ? std::optional<std::uint64_t>(begin + (bytes.data() - constants.data()))
               : std::nullopt;
  };
  Data tables = serialize_tables(graph, options, offset_in_file);
  begin = rounded_up(tables.size(), page_size);
  if (begin != page_size) tables = serialize_tables(graph, options, offset_in_file);
  if (begin + constants.size() >= largest_file)
    throw Error(ErrorCode::model, "the model's constants and tables exceed 2 GB, the limit of the format");
  auto memory = SharedMemory::create(begin);
  std::memcpy(memory->bytes().data(), tables.bytes().data(), tables.size());
  return {{{std::move(memory), begin}, {memory_, constants.size()}}};
}

}  // namespace calib8
