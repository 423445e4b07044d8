#pragma once

#include <tiffio.h>

#include <cstdarg>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace calib8 {

/// A TIFF file in memory under libtiff, which prints nothing: the first thing that it reports as an error, or
/// warns of as missing pixels, is kept instead. Not to be moved: libtiff holds its address.
class TiffFile {
 public:
  /// Opens the first directory. Fails with ErrorCode::dataset where there is none.
  TiffFile(ByteView file, const std::string& where);
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  TIFF* get() const { return tiff_.get(); }
  ByteView bytes() const { return file_; }

  /// A tag of one short number, or its default.
  std::uint16_t short_tag(std::uint32_t tag) const;

  /// Throws what libtiff reported, or `otherwise`.
  [[noreturn]] void fail(const std::string& otherwise) const;

  /// Throws what libtiff reported, if it did.
  void check() const;

 private:
  static tmsize_t read(thandle_t handle, void* to, tmsize_t size);
  static toff_t seek(thandle_t handle, toff_t offset, int origin);
  static int map(thandle_t handle, void** base, toff_t* size);
  static toff_t size(thandle_t handle);
  static int keep_error(TIFF* tiff, void* user, const char* module, const char* format, std::va_list values);
  static int keep_missing_pixels(TIFF* tiff, void* user, const char* module, const char* format,
                                 std::va_list values);

  ByteView file_;
  std::uint64_t position_ = 0;
  std::string where_;
  std::string error_;
  std::unique_ptr<TIFF, decltype(&TIFFClose)> tiff_{nullptr, &TIFFClose};
};

}  // namespace calib8
