#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "container/tflite_schema_generated.h"
#include "tflite_graph/tflite_graph.h"

namespace calib8 {

/// Bounds what is copied out of a file, in which many tables may share one long vector: a few times its size.
class ReadBudget {
 public:
  explicit ReadBudget(std::size_t file_size) : left_(4 * file_size + 16'000'000) {}
  /// Fails with ErrorCode::model where the budget is spent.
  void take(std::size_t bytes, const std::string& where);

 private:
  std::size_t left_;
};

/// Reads the tensors of a model whose offsets have been verified.
struct TensorReader {
  const Data& file;
  const schema::Model& model;
  ReadBudget& budget;
  const std::string& where;

  /// Fails with ErrorCode::model, naming the tensor, on what a TfliteTensor can't hold.
  TfliteTensor read(const schema::Tensor& tensor) const;
};

/// The same bytes, at an address that scalars of the FlatBuffer can be read from.
Data aligned_copy_if_needed(const Data& file);

}  // namespace calib8
