#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace calib8 {

/// What one folder holds; names sorted bytewise.
struct Folder {
  std::string relative_path;            ///< To the root, with '/'; empty for the root itself.
  std::string real_path;                ///< The same with symbolic links resolved; absolute out of the root.
  std::vector<std::string> images;      ///< Names of image files.
  std::vector<std::string> subfolders;  ///< Names of folders.
  std::map<std::string, std::string>
      links;  ///< Of those, the symbolic links: name to target, relative to the root.
};

/// What reading left out.
struct LeftOut {
  std::size_t outside_links = 0;   ///< Symbolic links that lead out of the root.
  std::size_t broken_links = 0;    ///< Symbolic links that lead nowhere.
  std::size_t repeated_links = 0;  ///< Symbolic links to a folder that is on their path or was followed.
  std::map<std::string, std::size_t>
      other_files;                      ///< Pictures that aren't read, by lower case ending ("psd").
  std::size_t array_files = 0;          ///< .npy and .npz files, where images are looked for.
  std::vector<std::string> unreadable;  ///< "folder: reason"
};

/// Which files count, told by their names' ending.
enum class FileKind { images, arrays };

struct ReadingOptions {
  FileKind kind = FileKind::images;
  bool follow_links = false;  ///< Also those that lead out of the root.
};

/// Reads folders below a root, each at most once and only when asked for. Files are told by their names; none
/// is opened, and none is looked up but for symbolic links.
class FolderReader {
 public:
  /// Fails with ErrorCode::dataset where `root` isn't a readable folder.
  explicit FolderReader(const std::filesystem::path& root, const ReadingOptions& options = {});

  const std::filesystem::path& root() const { return root_; }
  const ReadingOptions& options() const { return options_; }
  const LeftOut& left_out() const { return left_out_; }

  /// The folder at a path relative to the root ("" is the root), or null where there is none.
  const Folder* find(const std::string& relative_path);

  /// A folder anywhere, by its canonical path, which becomes its relative_path where it is out of the root.
  /// Null where there is none, or where it is out of the root and links aren't followed.
  const Folder* find_anywhere(const std::filesystem::path& canonical);

  /// Whether it was read already.
  bool knows(const std::string& relative_path) const { return folders_.contains(relative_path); }

  /// A subfolder by name, which must be one of parent.subfolders.
  const Folder& subfolder(const Folder& parent, const std::string& name);

 private:
  const Folder& read(std::string relative_path, std::string real_path);
  enum class EntryType { folder, file, other };

  /// Takes an entry that is no link, or what a link leads to.
  void add(std::string name, EntryType type, Folder& folder);
  void follow(const std::string& name, Folder& folder);

  std::filesystem::path root_;  ///< Canonical.
  ReadingOptions options_;
  LeftOut left_out_;
  std::unordered_map<std::string, Folder> folders_;  ///< Read so far, by relative path.
  std::set<std::string> followed_;                   ///< Folders that links were followed to.
};

/// Whether a file of that name counts.
bool is_file_of(FileKind kind, std::string_view name);

/// Whether `path` is `folder` or lies in it; both canonical.
bool is_within(const std::filesystem::path& path, const std::filesystem::path& folder);

/// "a/b"; `name` alone where the folder is the root.
std::string join_path(const std::string& folder, const std::string& name);

}  // namespace calib8
