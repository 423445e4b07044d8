#include "image_samples/image_contents.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "base/parallel.h"
#include "calib8/error.h"
#include "image_samples/image_file.h"

namespace calib8 {
namespace {

/// Runs `body`; the message of what is wrong with the data, or nothing.
template <class Body>
std::string failure_of(Body body) {
  try {
    body();
    return {};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::dataset) throw;
    return error.message();
  }
}

}  // namespace

std::uint32_t& ImageContents::slot_of(const Digest& sha256) {
  std::size_t place;  // any part of a SHA-256 is a hash
  std::memcpy(&place, sha256.data(), sizeof place);
  for (;; ++place) {
    std::uint32_t& slot = slots_[place & (slots_.size() - 1)];
    if (slot == 0 || contents_[slot - 1].sha256 == sha256) return slot;
  }
}

void ImageContents::grow_table() {
  slots_.assign(std::max<std::size_t>(slots_.size() * 2, 256), 0);  // a power of two
  for (std::uint32_t content = 0; content < contents_.size(); ++content)
    slot_of(contents_[content].sha256) = content + 1;
}

std::pair<std::size_t, bool> ImageContents::find_or_add(const Digest& sha256, ImageIndex file) {
  if (contents_.size() >= slots_.size() / 4 * 3) grow_table();
  std::uint32_t& slot = slot_of(sha256);
  if (slot != 0) return {slot - 1, false};
  contents_.push_back({sha256, file, {}});
  slot = static_cast<std::uint32_t>(contents_.size());
  return {slot - 1, true};
}

void ImageContents::read_and_decode(File& file, std::size_t number) {
  const std::string path = files_[file.index].path;
  std::vector<std::byte> bytes;
  file.failure = failure_of([&] { bytes = read_image_file(path); });
  if (!file.failure.empty()) return;
  const Digest digest = sha256_digest(bytes);
  bool is_first = false;
  {
    const std::lock_guard lock(contents_mutex_);
    std::tie(file.content, is_first) = find_or_add(digest, file.index);
  }
  if (!is_first) return;
  ImageFacts facts;
  std::string failure = failure_of([&] {
    Image image = decode_image(bytes, path, options_);
    facts = examine(bytes, image);
    bytes = {};  // may be as large as the image
    file.image = finish_(std::move(image), number);
  });
  const std::lock_guard lock(contents_mutex_);
  contents_[file.content].facts = facts;
  if (!failure.empty()) failures_[file.content] = std::move(failure);
}

void ImageContents::open_block(std::span<const ImageIndex> indices, int threads,
                               const std::function<void(File)>& take) {
  std::vector<File> files(indices.size());
  const std::size_t known = contents_.size();
  parallel_for(files.size(), threads, [&](int, std::size_t i) {
    files[i].index = indices[i];
    read_and_decode(files[i], opened_ + i);
  });
  // Which of several files of a new content was decoded depends on the threads; that it counts as the first
  // one's, and is handed out with it, does not.
  std::map<std::size_t, std::size_t> first_of;  // content to file of the block
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i].failure.empty() || files[i].content < known) continue;
    const auto [first, is_new] = first_of.emplace(files[i].content, i);
    if (is_new) contents_[files[i].content].first_file = files[i].index;
    if (!is_new && !files[i].image.pixels.empty()) files[first->second].image = std::move(files[i].image);
  }
  for (File& file : files) {
    if (const auto failure = failures_.find(file.content); file.failure.empty() && failure != failures_.end())
      file.failure = failure->second;
    take(std::move(file));
  }
  opened_ += files.size();
}

void ImageContents::count(const File& file, QualityCounter& counter) const {
  const std::string path = files_.relative_path(file.index);
  if (!file.failure.empty()) return counter.add_unreadable(path, file.failure);
  counter.add(path, facts(file.content));
  const ImageIndex first = first_file(file.content);
  if (first != file.index) counter.add_repeated(path, files_.relative_path(first));
}

void ImageContents::open(std::span<const ImageIndex> indices, int threads,
                         const std::function<void(File)>& take) {
  const std::size_t block = static_cast<std::size_t>(std::max(threads, 1)) * 8;
  for (; !indices.empty(); indices = indices.subspan(std::min(block, indices.size())))
    open_block(indices.first(std::min(block, indices.size())), threads, take);
}

}  // namespace calib8
