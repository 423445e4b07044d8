#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace calib8 {

/// One file of a data set, not opened yet.
struct ImageEntry {
  std::string path;           ///< The listing's root and relative_path.
  std::string relative_path;  ///< To the listing's root, with '/'; bytes as the file system has them.
                              ///< Absolute where links or lists lead out of the root and are followed.
  std::optional<int> label;   ///< Index into DatasetListing::class_names, where the data has classes.
};

/// The place of a file in an ImageList, which holds no more than these numbers tell apart.
using ImageIndex = std::uint32_t;

/// Files by folder and name: a million of them take about 30 MB. An ImageEntry is made on demand.
class ImageList {
 public:
  class Iterator {
   public:
    Iterator(const ImageList* list, std::size_t index) : list_(list), index_(index) {}
    ImageEntry operator*() const { return (*list_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const ImageList* list_;
    std::size_t index_;
  };

  void set_root(std::filesystem::path root) { root_ = std::move(root); }

  /// Takes the file `name` of a folder, which is given relative to the root ("" is the root). Fails with
  /// ErrorCode::dataset where all names together have more than 4 GiB.
  void add(std::string_view folder, std::string_view name, std::optional<int> label);
  void push_back(const ImageEntry& entry);

  std::size_t size() const { return records_.size(); }
  bool empty() const { return records_.empty(); }
  ImageEntry operator[](std::size_t index) const;
  std::string relative_path(std::size_t index) const;
  std::optional<int> label(std::size_t index) const;
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

  /// Sorts bytewise by relative path; of equal paths the first one stays. Gives spare memory back.
  void sort();
  /// The index of a path in a sorted list.
  std::optional<std::size_t> find(std::string_view relative_path) const;
  /// A list of some of them, in the order given: with the same root, not sorted.
  ImageList part(std::span<const ImageIndex> indices) const;
  /// Leaves out those for which `keep[index]` is false.
  void keep_only(const std::vector<bool>& keep);
  /// The label `label` becomes `new_labels[label]`.
  void relabel(const std::vector<int>& new_labels);
  void clear();

 private:
  struct Record {
    std::uint32_t name;  ///< Where it begins in names_.
    std::uint32_t name_size;
    std::uint32_t folder;
    std::int32_t label;  ///< -1: none.
  };

  std::uint32_t folder_index(std::string_view folder);
  std::string_view name_of(const Record& record) const {
    return std::string_view(names_).substr(record.name, record.name_size);
  }
  bool before(const Record& a, const Record& b) const;

  std::filesystem::path root_;
  std::string names_;
  std::vector<Record> records_;
  std::vector<std::string> folders_;
  std::unordered_map<std::string, std::uint32_t> folder_indices_;
};

}  // namespace calib8
