#pragma once

#include <cstddef>
#include <memory>

#include "base/shared_memory.h"
#include "write/tflite.h"

namespace calib8 {

/// The constants of a float model in one block of memory that other processes can map. Variants of the model
/// that give out other tensors or have a few operators more are files that share this one copy of the
/// weights: each has tables of its own, and behind them the constants of all.
///
///     | tables of a variant, whole pages | constants |
class ConstantBlock {
 public:
  /// Moves the graph's constants into the block: its tensors refer to them there from now on.
  explicit ConstantBlock(TfliteGraph& graph);

  /// A .tflite file of this graph or one made from it. Constants that lie in the block are referred to
  /// (Buffer.offset of the format), others written among the tables. Fails with ErrorCode::model where it
  /// would exceed 2 GB.
  SharedFile file_of(const TfliteGraph& graph, const TfliteFileOptions& options = {}) const;

  /// Bytes of the graph's own .tflite file, tables and constants.
  std::size_t file_size() const { return file_size_; }

 private:
  std::shared_ptr<SharedMemory> memory_;
  std::size_t file_size_ = 0;
};

/// A float graph that is run, and the block where its constants lie.
struct FloatModel {
  const TfliteGraph& graph;
  const ConstantBlock& constants;

  SharedFile file(const TfliteFileOptions& options = {}) const { return constants.file_of(graph, options); }
};

}  // namespace calib8
