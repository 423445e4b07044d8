#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "write/tflite.h"

namespace calib8 {

/// Which tensor, constant and operator code of a .tflite file has which number. Decided before anything is
/// written.
struct TfliteLayout {
  static constexpr std::uint32_t no_index = 0xffffffffu;

  std::vector<TensorId> tensors;             ///< By their number in the file.
  std::vector<std::uint32_t> tensor_index;   ///< By TensorId::index; no_index where the tensor isn't written.
  std::vector<std::string> tensor_names;     ///< Distinct, as many as tensors.
  std::vector<std::uint32_t> tensor_buffer;  ///< As many as tensors; 0 where the tensor has no constant.
  std::vector<ByteView> buffers;             ///< Distinct; the first is empty, as the format wants it.
  std::vector<TfliteOutput> outputs;

  struct Code {
    std::int32_t builtin_code;
    int version;
    friend bool operator==(const Code&, const Code&) = default;
  };
  std::vector<Code> codes;  ///< Distinct.
  std::vector<OperatorId> operators;
  std::vector<std::uint32_t> operator_code;  ///< As many as operators: index into codes.

  std::uint32_t index_of(TensorId id) const { return tensor_index[id.index]; }
};

TfliteLayout lay_out(const TfliteGraph& graph, const TfliteFileOptions& options);

/// Where a constant lies, counted in bytes from the beginning of the file, if it lies outside of the tables.
using OffsetOutside = std::function<std::optional<std::uint64_t>(ByteView constant)>;

/// A .tflite file's FlatBuffer, as serialize_tflite() makes it, without the constants that lie outside of it.
Data serialize_tables(const TfliteGraph& graph, const TfliteFileOptions& options,
                      const OffsetOutside& offset_outside);

}  // namespace calib8
