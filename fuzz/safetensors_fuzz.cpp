// Feeds the safetensors reader with arbitrary bytes: it reads them, or refuses them with an Error of the
// model's code.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "calib8/error.h"
#include "read/checkpoint_description.h"
#include "read/weights/safetensors.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

/// Most mutations change the header and write its length anew, which would else be wrong almost always.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  constexpr std::size_t length_bytes = 8;
  std::minstd_rand random(seed);
  std::uint64_t length = 0;
  if (size >= length_bytes) std::memcpy(&length, data, length_bytes);
  if (size < length_bytes || length > size - length_bytes || random() % 4 == 0)
    return LLVMFuzzerMutate(data, size, max_size);
  const std::vector<std::uint8_t> elements(data + length_bytes + length, data + size);
  const std::size_t room = max_size - length_bytes - elements.size();
  std::vector<std::uint8_t> header(data + length_bytes, data + length_bytes + length);
  header.resize(room);
  length = LLVMFuzzerMutate(header.data(), static_cast<std::size_t>(length), room);
  std::memcpy(data, &length, length_bytes);
  std::memcpy(data + length_bytes, header.data(), length);
  if (!elements.empty()) std::memcpy(data + length_bytes + length, elements.data(), elements.size());
  return length_bytes + length + elements.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const calib8::Data bytes = calib8::Data::from_vector(std::vector<std::uint8_t>(data, data + size));
  calib8::looks_like_safetensors(bytes.bytes());
  try {
    // The description looks at every byte of every tensor.
    calib8::Safetensors read = calib8::read_safetensors(bytes, "input");
    calib8::describe_checkpoint(calib8::checkpoint_of_safetensors(std::move(read), "input"))
        .dump(-1, ' ', false, nlohmann::json::error_handler_t::strict);
  } catch (const calib8::Error& error) {
    if (error.code() != calib8::ErrorCode::model) std::abort();
  }
  return 0;
}
