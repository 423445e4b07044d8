#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "onnx_graph/onnx_graph.h"

namespace calib8 {

/// What an ONNX file holds beside its graph.
struct OnnxFileParts {
  std::map<std::string, Data> external_files;  ///< Weights that were read, by location in the model's folder.
  std::map<std::string, std::string> metadata;  ///< The model's metadata_props.
  /// Operators on integers that stand for real numbers. Where there are any, the file was quantized, and the
  /// graph computes with these real numbers (read/onnx/onnx_quantized.h).
  std::size_t quantized_operators = 0;
};

/// True where the bytes begin as an ONNX file does: the fields of a ModelProto, a graph among them. ONNX has
/// no magic number; no zip, pickle or TFLite file looks like this.
bool looks_like_onnx(ByteView bytes);

/// Reads an ONNX file of opset 7 to 25 as it means at opset 20 (read/onnx_upgrade.h). Weights may lie in
/// initializers, Constant nodes, or files in the model's own folder; they are viewed in the mapped file where
/// they are aligned, and copied where not. An If is its branches' nodes and one node If that chooses between
/// their outputs (read/onnx/onnx_flatten.h). Initializers that are inputs too are constants. Dimensions
/// without a size stay open. Nodes come out in execution order, whatever their order in the file.
///
/// Fails with ErrorCode::model on damaged files, and, naming all of them at once, on what is not supported:
/// operators without a row in ops/, loops, other domains, sparse and string tensors, sequences,
/// training mode.
///
/// `parts` receives what the file holds beside the graph.
OnnxGraph read_onnx(const std::filesystem::path& path, OnnxFileParts* parts = nullptr);

/// The same for bytes in memory. `where` names them in errors; external files are looked for in `folder`, and
/// refused where it is empty.
OnnxGraph read_onnx(const Data& file, const std::string& where, const std::filesystem::path& folder = {},
                    OnnxFileParts* parts = nullptr);

/// The same to look at: what isn't supported stays in the graph, an operator of another domain as
/// "domain.Operator", a loop without its body; and `refusals` gets what read_onnx would fail with, an
/// entry for each.
OnnxGraph read_onnx_to_inspect(const Data& file, const std::string& where,
                               const std::filesystem::path& folder, std::vector<std::string>& refusals);

}  // namespace calib8
