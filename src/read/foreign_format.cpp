#include "read/foreign_format.h"

#include <string_view>

#include "container/byte_cursor.h"

namespace calib8 {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  const char* advice;
};

constexpr Signature signatures[] = {
    {0, "\x89HDF\r\n\x1a\n"sv, "the file is HDF5 (Keras): calib8 reads PyTorch checkpoints and ONNX"},
    {0, "GGUF"sv, "the file is GGUF: calib8 reads PyTorch checkpoints and ONNX"},
    {0, "\x1f\x8b"sv, "the file is compressed with gzip: unpack it first"},
    {0, "version https://git-lfs"sv,
     "the file is a Git LFS pointer and not the model itself: fetch it with git lfs pull"},
    {0, "<!DOCTYPE"sv, "the file is a web page: the download of the model failed, get it anew"},
    {0, "<!doctype"sv, "the file is a web page: the download of the model failed, get it anew"},
    {0, "<html"sv, "the file is a web page: the download of the model failed, get it anew"},
    {257, "ustar"sv,
     "the file is a tar archive: unpack it, or, if PyTorch before 0.2 wrote it, load and save it with a "
     "newer PyTorch"},
};

}  // namespace

std::optional<std::string> advice_for_foreign_format(ByteView bytes) {
  const std::string_view text = text_of(bytes);
  for (const Signature& signature : signatures) {
    if (text.size() > signature.offset && text.substr(signature.offset).starts_with(signature.bytes))
      return signature.advice;
  }
  if (text.size() > 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5)
    return "the file is a pickle that torch.save didn't write: save the model with "
           "torch.save(model.state_dict(), path)";
  return std::nullopt;
}

}  // namespace calib8
