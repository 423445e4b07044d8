#include "image/tiff_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <utility>

#include "calib8/error.h"

namespace calib8 {
namespace {

/// What libtiff may take at a time: rows and tiles and the tables of strips, but no pictures.
constexpr tmsize_t kMostMemoryAtOnce = tmsize_t{1} << 28;

std::string written(const char* format, std::va_list values) {
  std::array<char, 256> text{};
  std::vsnprintf(text.data(), text.size(), format, values);
  std::string message = text.data();
  // One clear line, whatever names the file put into it.
  std::replace_if(
      message.begin(), message.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  while (!message.empty() && message.back() == '.') message.pop_back();
  return message;
}

}  // namespace

TiffFile::TiffFile(ByteView file, const std::string& where) : file_(file), where_(where) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 &TIFFOpenOptionsFree);
  if (!options) fail("not enough memory");
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMostMemoryAtOnce);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), &TiffFile::keep_error, this);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), &TiffFile::keep_missing_pixels, this);
  const auto write = [](thandle_t, void*, tmsize_t) -> tmsize_t { return 0; };
  const auto close = [](thandle_t) { return 0; };
  const auto unmap = [](thandle_t, void*, toff_t) {};
  tiff_.reset(TIFFClientOpenExt("tiff", "r", this, &TiffFile::read, write, &TiffFile::seek, close,
                                &TiffFile::size, &TiffFile::map, unmap, options.get()));
  if (!tiff_) fail("it has no directory");
  error_.clear();  // what was odd about tags that don't matter
}

std::uint16_t TiffFile::short_tag(std::uint32_t tag) const {
  std::uint16_t value = 0;
  TIFFGetFieldDefaulted(tiff_.get(), tag, &value);
  return value;
}

void TiffFile::fail(const std::string& otherwise) const {
  const std::string& reason = error_.empty() ? otherwise : error_;
  throw Error(ErrorCode::dataset, fmt::format("can't be decoded as TIFF: {}", reason), where_);
}

void TiffFile::check() const {
  if (!error_.empty()) fail("");
}

tmsize_t TiffFile::read(thandle_t handle, void* to, tmsize_t size) {
  TiffFile& self = *static_cast<TiffFile*>(handle);
  if (size <= 0 || self.position_ >= self.file_.size()) return 0;
  const std::size_t count =
      std::min<std::size_t>(static_cast<std::size_t>(size), self.file_.size() - self.position_);
  std::memcpy(to, self.file_.data() + self.position_, count);
  self.position_ += count;
  return static_cast<tmsize_t>(count);
}

toff_t TiffFile::seek(thandle_t handle, toff_t offset, int origin) {
  TiffFile& self = *static_cast<TiffFile*>(handle);
  if (origin == SEEK_CUR) offset += self.position_;
  if (origin == SEEK_END) offset += self.file_.size();
  return self.position_ = offset;
}

int TiffFile::map(thandle_t handle, void** base, toff_t* size) {
  const TiffFile& self = *static_cast<TiffFile*>(handle);
  *base = const_cast<std::byte*>(self.file_.data());  // libtiff only reads it
  *size = self.file_.size();
  return 1;
}

toff_t TiffFile::size(thandle_t handle) {
  return static_cast<TiffFile*>(handle)->file_.size();
}

int TiffFile::keep_error(TIFF*, void* user, const char*, const char* format, std::va_list values) {
  TiffFile& self = *static_cast<TiffFile*>(user);
  if (self.error_.empty()) self.error_ = written(format, values);
  return 1;  // and no other handler is called
}

int TiffFile::keep_missing_pixels(TIFF*, void* user, const char*, const char* format, std::va_list values) {
  TiffFile& self = *static_cast<TiffFile*>(user);
  std::string warning = written(format, values);
  // "Premature EOF" of fax rows, "Premature end of JPEG file", "Line length mismatch": pixels are missing.
  const bool lacks_pixels =
      warning.find("remature") != std::string::npos || warning.find("mismatch at line") != std::string::npos;
  if (lacks_pixels && self.error_.empty()) self.error_ = std::move(warning);
  return 1;
}

}  // namespace calib8
