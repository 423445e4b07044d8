#include "discover/image_list.h"

#include <algorithm>
#include <limits>

#include "calib8/error.h"

namespace calib8 {

std::uint32_t ImageList::folder_index(std::string_view folder) {
  if (!records_.empty() && folders_[records_.back().folder] == folder) return records_.back().folder;
  const auto [known, added] =
      folder_indices_.try_emplace(std::string(folder), static_cast<std::uint32_t>(folders_.size()));
  if (added) folders_.emplace_back(folder);
  return known->second;
}

void ImageList::add(std::string_view folder, std::string_view name, std::optional<int> label) {
  const std::uint32_t index = folder_index(folder);
  if (names_.size() + name.size() > std::numeric_limits<std::uint32_t>::max())
    throw Error(ErrorCode::dataset, "there are too many files: name a smaller part", root_.string());
  records_.push_back({static_cast<std::uint32_t>(names_.size()), static_cast<std::uint32_t>(name.size()),
                      index, label.value_or(-1)});
  names_ += name;
}

void ImageList::push_back(const ImageEntry& entry) {
  const std::string_view path = entry.relative_path;
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return add("", path, entry.label);
  add(path.substr(0, slash), path.substr(slash + 1), entry.label);
}

std::string ImageList::relative_path(std::size_t index) const {
  const Record& record = records_.at(index);
  const std::string& folder = folders_[record.folder];
  std::string path;
  path.reserve(folder.size() + 1 + record.name_size);
  if (!folder.empty()) path.append(folder).push_back('/');
  return path.append(name_of(record));
}

std::optional<int> ImageList::label(std::size_t index) const {
  const Record& record = records_.at(index);
  return record.label < 0 ? std::nullopt : std::optional<int>(record.label);
}

ImageEntry ImageList::operator[](std::size_t index) const {
  std::string relative = relative_path(index);
  std::string path = (root_ / relative).string();
  return {std::move(path), std::move(relative), label(index)};
}

/// As the whole relative paths compare, without putting them together where the folder is the same.
bool ImageList::before(const Record& a, const Record& b) const {
  if (a.folder == b.folder) return name_of(a) < name_of(b);
  const auto whole = [&](const Record& record) {
    const std::string& folder = folders_[record.folder];
    return folder.empty() ? std::string(name_of(record)) : folder + "/" + std::string(name_of(record));
  };
  return whole(a) < whole(b);
}

void ImageList::sort() {
  const auto earlier = [this](const Record& a, const Record& b) { return before(a, b); };
  if (!std::is_sorted(records_.begin(), records_.end(), earlier))
    std::stable_sort(records_.begin(), records_.end(), earlier);
  const auto equal = [&](const Record& a, const Record& b) { return !before(a, b) && !before(b, a); };
  records_.erase(std::unique(records_.begin(), records_.end(), equal), records_.end());
  records_.shrink_to_fit();
  names_.shrink_to_fit();
}

std::optional<std::size_t> ImageList::find(std::string_view path) const {
  std::size_t low = 0, high = size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (relative_path(middle) < path) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < size() && relative_path(low) == path ? std::optional<std::size_t>(low) : std::nullopt;
}

ImageList ImageList::part(std::span<const ImageIndex> indices) const {
  ImageList list;
  list.root_ = root_;
  std::size_t characters = 0;
  for (const ImageIndex index : indices) characters += records_.at(index).name_size;
  list.records_.reserve(indices.size());
  list.names_.reserve(characters);
  for (const ImageIndex index : indices) {
    const Record& record = records_[index];
    list.add(folders_[record.folder], name_of(record), label(index));
  }
  return list;
}

void ImageList::keep_only(const std::vector<bool>& keep) {
  std::size_t index = 0;
  std::erase_if(records_, [&](const Record&) { return !keep[index++]; });
}

void ImageList::relabel(const std::vector<int>& new_labels) {
  for (Record& record : records_) {
    if (record.label >= 0) record.label = new_labels.at(static_cast<std::size_t>(record.label));
  }
}

void ImageList::clear() {
  records_.clear();
  names_.clear();
}

}  // namespace calib8
