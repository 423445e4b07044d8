#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/tensor.h"
#include "container/pickle.h"
#include "container/storage.h"

namespace calib8 {

/// Gives the bytes of the storage with this key: exactly `size` of them. Fails with ErrorCode::model where
/// there is no such storage, or it has another size.
using StorageLookup = std::function<Data(std::string_view key, std::uint64_t size)>;

/// Whether the value is a tensor or a parameter.
bool is_pickled_tensor(const Pickle& pickle, PickleId id);

/// Makes tensors from a pickle's rebuild calls.
class TensorBuilder {
 public:
  /// `file_size` (bytes) bounds what all tensors together may take (container/storage.h). All arguments must
  /// outlive the builder.
  TensorBuilder(const Pickle& pickle, const StorageLookup& storages, std::size_t file_size,
                const std::string& where);

  /// The tensor that `id` stands for; is_pickled_tensor(id) holds. A view into the storage where its elements
  /// lie contiguous and aligned there, a contiguous copy otherwise. Fails with ErrorCode::model, with `name`,
  /// where sizes, strides or offset leave the storage or the type is not one of DType's.
  Tensor build(PickleId id, std::string_view name);

 private:
  const Pickle& pickle_;
  const StorageLookup& storages_;
  const std::string& where_;
  StorageReader reader_;
};

}  // namespace calib8
