#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/tensor.h"
#include "calib8/error.h"

namespace calib8 {

/// How a tensor lies in a storage, as files of PyTorch say it. Nothing is checked yet.
struct StoragePlace {
  std::int64_t offset = 0;  ///< Elements.
  Shape shape;
  Shape strides;  ///< Elements.
};

/// Makes tensors of storages of one file.
class StorageReader {
 public:
  /// `file_size` (bytes) bounds what all tensors together may take: views that overlap or repeat their
  /// elements can claim far more than the file holds.
  explicit StorageReader(std::uint64_t file_size);

  /// The tensor at that place: a view into the storage where its elements lie contiguous and aligned there, a
  /// contiguous copy otherwise. Throws what `error` makes of the words where sizes, strides or offset leave
  /// the storage.
  Tensor read(const Data& storage, DType dtype, StoragePlace place,
              const std::function<Error(const std::string&)>& error);

 private:
  std::uint64_t bytes_left_;
};

}  // namespace calib8
