#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace calib8 {

/// What one folder holds; names sorted bytewise.
struct Folder {
  std::string relative_path;            ///< To the root, with '/'; empty for the root itself.
  std::string real_path;                ///< The same with symbolic links resolved.
  std::vector<std::string> images;      ///< Names of image files.
  std::vector<std::string> subfolders;  ///< Names of folders.
  std::map<std::string, std::string>
      links;  ///< Of those, the symbolic links: name to target, relative to the root.
};

/// What reading left out.
struct LeftOut {
  std::size_t outside_links = 0;   ///< Symbolic links that lead out of the root, or nowhere.
  std::size_t repeated_links = 0;  ///< Symbolic links to a folder that is on their path or was followed.
  std::map<std::string, std::size_t>
      other_files;                      ///< Images of other formats, by lower case ending ("webp").
  std::vector<std::string> unreadable;  ///< "folder: reason"
};

/// Reads folders below a root, each at most once and only when asked for. Files are told by their names; none
/// is opened, and none is looked up but for symbolic links.
class FolderReader {
 public:
  /// Fails with ErrorCode::dataset where `root` isn't a readable folder.
  explicit FolderReader(const std::filesystem::path& root);

  const std::filesystem::path& root() const { return root_; }
  const LeftOut& left_out() const { return left_out_; }

  /// The folder at a path relative to the root ("" is the root), or null where there is none.
  const Folder* find(const std::string& relative_path);

  /// A subfolder by name, which must be one of parent.subfolders.
  const Folder& subfolder(const Folder& parent, const std::string& name);

 private:
  const Folder& read(std::string relative_path, std::string real_path);
  void add(const std::filesystem::directory_entry& entry, Folder& folder);
  bool follow(const std::filesystem::directory_entry& link, Folder& folder);

  std::filesystem::path root_;  ///< Canonical.
  LeftOut left_out_;
  std::map<std::string, Folder> folders_;  ///< Read so far, by relative path.
  std::set<std::string> followed_;         ///< Folders that links were followed to.
};

/// "a/b"; `name` alone where the folder is the root.
std::string join_path(const std::string& folder, const std::string& name);

}  // namespace calib8
