#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "calib8/error.h"

namespace calib8 {

/// A regular file, open for reading. Whatever becomes of its name meanwhile, this stays the same file.
/// May be read from several threads.
class InputFile {
 public:
  /// Never waits: a pipe, a device or a socket is refused. All members fail with `code` and name the path.
  InputFile(std::filesystem::path path, ErrorCode code);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  InputFile& operator=(InputFile&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Bytes, as they were when it was opened.
  std::uint64_t size() const { return size_; }

  /// As many bytes from `offset` on as there are, up to `size`.
  std::vector<std::byte> read_at_most(std::uint64_t offset, std::size_t size) const;
  /// Fails where there are fewer: the file became shorter, or the caller asks beyond its end.
  std::vector<std::byte> read(std::uint64_t offset, std::size_t size) const;
  void read(std::uint64_t offset, std::span<std::byte> bytes) const;
  /// Where the next byte that isn't in a hole lies, from `offset` on; size() where all that follows is a
  /// hole. `offset` itself where the file system doesn't tell.
  std::uint64_t next_data(std::uint64_t offset) const;

 private:
  [[noreturn]] void fail(const std::string& what) const;
  std::size_t read_some(std::uint64_t offset, std::span<std::byte> bytes) const;

  std::filesystem::path path_;
  ErrorCode code_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// All bytes of a regular file. Fails with `code` where it can't be read or has more than `most_bytes`.
std::vector<std::byte> read_file(const std::filesystem::path& path, std::uint64_t most_bytes, ErrorCode code);

}  // namespace calib8
