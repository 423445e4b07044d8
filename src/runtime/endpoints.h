#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "runtime/compile.h"
#include "runtime/interpreter.h"

namespace calib8::litert {

/// Bytes: LiteRT refuses host memory that is aligned to less.
inline constexpr std::size_t buffer_alignment = 64;

/// Memory of one input or output, known to LiteRT as a tensor buffer.
struct Buffer {
  struct Free {
    void operator()(std::byte* memory) const {
      ::operator delete[](memory, std::align_val_t(buffer_alignment));
    }
  };
  std::unique_ptr<std::byte[], Free> memory;
  std::size_t size = 0;  ///< Bytes of the tensor.
  Owned<TensorBuffer> handle{nullptr, nullptr};
};

/// All inputs or all outputs of a signature, in its order.
struct Endpoints {
  std::vector<TensorInfo> tensors;
  std::vector<Buffer> buffers;
  std::vector<TensorBuffer> handles;  ///< Those of the buffers, as the one array that LiteRT wants.
};

enum class Direction { input, output };

/// Finds the signature's inputs or outputs and makes zeroed memory for each. Fails with ErrorCode::runtime
/// where a type has no DType or a size is not fixed.
Endpoints make_endpoints(const Functions& api, Signature signature, Direction direction);

}  // namespace calib8::litert
