#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "read/state_dict.h"

namespace calib8 {

/// Whether the bytes begin like a safetensors file: a length, and a JSON object behind it. Not a promise that
/// it can be read.
bool looks_like_safetensors(ByteView bytes);

/// What a safetensors file holds.
struct Safetensors {
  std::vector<NamedTensor> tensors;             ///< In the order in which their elements lie in the file.
  std::map<std::string, std::string> metadata;  ///< Its "__metadata__".
};

/// Reads a file by the specification of the safetensors format (huggingface.co/docs/safetensors): 8 bytes of
/// little-endian length, a JSON header of at most 100 MB, and the elements, row-major and little-endian, of
/// F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8 and BOOL. The tensors' bytes follow each other
/// without holes or overlaps and fill the file. Elements that are aligned stay where they are mapped. `where`
/// names the file. Fails with ErrorCode::model, also for the other element types, with their tensor's name.
Safetensors read_safetensors(const Data& file, const std::string& where);

/// The same as a checkpoint: `state_dict` names one of several networks by what its tensors' names begin
/// with. The metadata are not looked into.
Checkpoint checkpoint_of_safetensors(Safetensors file, const std::string& where,
                                     const std::string& state_dict = {});

}  // namespace calib8
