#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "base/bytes.h"

namespace calib8 {

/// A file that appears whole or not at all: its bytes go to a temporary file in the same folder
/// (".<name>.<process>-<number>.calib8.tmp"), which commit() puts in the target's place in one step. Without
/// a commit the temporary file goes away with the object and the target stays as it was. A killed process can
/// leave a temporary file behind; the next AtomicFile for the same target removes it.
///
/// All failures are ErrorCode::output and name the target.
class AtomicFile {
 public:
  /// Makes the target's missing folders and the temporary file. Fails where the target exists and is not a
  /// regular file, and where the folder can't be written. A target that is a symbolic link is followed.
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;

  /// Appends the bytes.
  void write(ByteView bytes);

  /// Makes the bytes durable. Nothing can be written afterwards.
  void finish();

  /// finish(), then puts the file in its place and makes that durable too. Where it fails, the target is as
  /// it was before, or, if the very last step fails, new.
  void commit();

  /// Of all bytes written, 64 hexadecimal digits; empty before finish().
  const std::string& sha256() const { return digest_; }

  /// Where the bytes are until they are in their place.
  const std::filesystem::path& temporary() const { return temporary_; }

 private:
  friend void commit_together(std::span<AtomicFile> files);

  [[noreturn]] void fail(const std::string& what) const;
  void create_temporary();
  void put_in_place();
  void take_back() noexcept;
  void drop_old() noexcept;

  std::filesystem::path target_;
  std::filesystem::path
      temporary_;  ///< Where the new bytes, or the old ones that they replaced, are; or empty.
  int descriptor_ = -1;
  Sha256 hash_;
  std::string digest_;
  bool in_place_ = false;
};

/// Commits all of them, in their order, or none: where one can't be put in its place, those before it are
/// taken back. (On a file system that can't exchange two files in one step, as NFS, what was replaced stays
/// so.)
///
/// The folders are locked meanwhile, so that of two processes that write the same files one replaces all that
/// the other wrote; a lock ends with its process. Fails where another process keeps it for a minute. A
/// process that is killed in between leaves the first files new and the others old: put what describes the
/// others last.
void commit_together(std::span<AtomicFile> files);

/// The file that a path leads to, links followed even where nothing is at their end; the path itself where
/// they lead round in a circle.
std::filesystem::path behind_links(const std::filesystem::path& path);

/// Whether two paths lead to one file, be it by links, or would once it is there.
bool lead_to_same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace calib8
