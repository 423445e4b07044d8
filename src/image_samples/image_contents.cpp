#include "image_samples/image_contents.h"

#include <algorithm>
#include <cstring>

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

void ImageContents::open_block(std::span<const ImageIndex> indices, int threads,
                               const std::function<void(File)>& take) {
  // Files are read twice, the second time out of the system's cache: holding the bytes of a whole block of
  // large photos would take more memory than anything else here.
  std::vector<File> files(indices.size());
  std::vector<Digest> digests(indices.size());
  parallel_for(files.size(), threads, [&](int, std::size_t i) {
    files[i].index = indices[i];
    files[i].failure =
        failure_of([&] { digests[i] = sha256_digest(read_image_file(files_[indices[i]].path)); });
  });
  std::vector<std::size_t> first_ones;  // files of the block whose content no file had before
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i].failure.empty()) continue;
    const auto [content, added] = find_or_add(digests[i], indices[i]);
    files[i].content = content;
    if (added) first_ones.push_back(i);
  }
  parallel_for(first_ones.size(), threads, [&](int, std::size_t i) {
    File& file = files[first_ones[i]];
    const std::string path = files_[file.index].path;
    file.failure = failure_of([&] {
      const std::vector<std::byte> bytes = read_image_file(path);
      const Image image = decode_image(bytes, path, options_);
      contents_[file.content].facts = examine(bytes, image);
      file.image = finish_(image, opened_ + first_ones[i]);
    });
  });
  for (const std::size_t i : first_ones) {
    if (!files[i].failure.empty()) failures_[files[i].content] = files[i].failure;
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
