#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "write/tflite.h"

namespace calib8 {

/// The constants of a float model in one block of memory, with room in front for the tables of a .tflite
/// file. Variants of the model that give out other tensors or have a few operators more are files that share
/// this one copy of the weights, and need no copying to be made.
///
///     | tables of the variant in use | room | constants |
class ConstantBlock {
 public:
  /// Moves the graph's constants into the block: its tensors refer to them there from now on.
  explicit ConstantBlock(TfliteGraph& graph);

  /// A .tflite file of this graph or one made from it, in the block. Constants that lie in the block are
  /// referred to (Buffer.offset of the format), others written among the tables. Only one file at a time, as
  /// they have the same place: the one before must be gone, with every interpreter that runs it.
  Data file_of(const TfliteGraph& graph, const TfliteFileOptions& options = {}) const;

  /// Bytes of the graph's own .tflite file, tables and constants.
  std::size_t file_size() const { return file_size_; }

 private:
  std::shared_ptr<std::byte> memory_;
  std::size_t room_ = 0;  ///< Bytes in front of the constants.
  std::size_t constant_bytes_ = 0;
  std::size_t file_size_ = 0;
  mutable std::weak_ptr<const void> in_use_;
};

/// A float graph that is run, and the block where its constants lie.
struct FloatModel {
  const TfliteGraph& graph;
  const ConstantBlock& constants;

  Data file(const TfliteFileOptions& options = {}) const { return constants.file_of(graph, options); }
};

}  // namespace calib8
