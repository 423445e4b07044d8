#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/shared_memory.h"
#include "runtime/message.h"
#include "worker/compile.h"

namespace calib8::litert {

/// All inputs or all outputs of a signature, in its order, known to LiteRT as tensor buffers in shared
/// memory.
struct Endpoints {
  std::vector<message::Endpoint> tensors;
  std::vector<RankedTensorType> types;
  std::vector<Owned<TensorBuffer>> buffers;
  std::vector<TensorBuffer> handles;  ///< The same, as the one array that LiteRT wants.
};

enum class Direction { input, output };

/// Finds the signature's inputs or outputs, and a place for each from `end` on, which moves behind them.
/// Fails with ErrorCode::model where a type has no DType or a size is not fixed.
Endpoints find_endpoints(const Functions& api, Signature signature, Direction direction, std::size_t& end);

/// Makes the tensor buffers, when the memory is there.
void make_buffers(const Functions& api, const SharedMemory& memory, Endpoints& endpoints);

}  // namespace calib8::litert
