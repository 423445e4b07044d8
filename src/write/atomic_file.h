#pragma once

#include <filesystem>
#include <string>

#include "base/bytes.h"

namespace calib8 {

/// A file that appears whole or not at all: its bytes go to a temporary file in the same folder
/// (".<name>.<process>-<number>.calib8.tmp"), which commit() renames over the target in one step. Without a
/// commit the temporary file goes away with the object and the target stays as it was. A killed process can
/// leave a temporary file behind; the next AtomicFile for the same target removes it.
///
/// All failures are ErrorCode::output and name the target.
class AtomicFile {
 public:
  /// Makes the target's missing folders and the temporary file. Fails where the target exists and is not a
  /// regular file, and where the folder can't be written. A target that is a symbolic link is followed.
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;

  /// Appends the bytes.
  void write(ByteView bytes);

  /// Makes the bytes durable, puts the file in its place, and makes that durable too. Nothing can be written
  /// afterwards. Where it fails, the target is as it was before, or, if the very last step fails, new.
  void commit();

  /// Of all bytes written, 64 hexadecimal digits; empty before commit().
  const std::string& sha256() const { return digest_; }

  const std::filesystem::path& target() const { return target_; }

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void create_temporary();

  std::filesystem::path target_;
  std::filesystem::path temporary_;  ///< Empty once it is gone or in its place.
  int descriptor_ = -1;
  Sha256 hash_;
  std::string digest_;
};

}  // namespace calib8
